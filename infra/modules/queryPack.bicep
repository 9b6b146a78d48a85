// The queries of kql/queries as a query pack: analysts find them in Log Analytics under "Token meter".
param location string
param tags object
param name string

var queries = loadJsonContent('../generated/queries.json')

resource pack 'Microsoft.OperationalInsights/queryPacks@2019-09-01' = {
  name: name
  location: location
  tags: tags
  properties: {}
}

resource packed 'Microsoft.OperationalInsights/queryPacks/queries@2019-09-01' = [
  for query in queries: {
    parent: pack
    name: guid(pack.id, query.name)
    properties: {
      displayName: query.title
      description: query.question
      body: query.body
      related: {
        categories: [
          'monitor'
        ]
        resourceTypes: [
          'microsoft.operationalinsights/workspaces'
        ]
      }
    }
  }
]
