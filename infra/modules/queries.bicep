// The KQL functions of kql/functions as saved functions (infra/generated/functions.json).
param workspaceName string

var functions = loadJsonContent('../generated/functions.json')

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspaceName
}

@batchSize(1)
resource savedFunctions 'Microsoft.OperationalInsights/workspaces/savedSearches@2025-07-01' = [
  for function in functions: {
    parent: workspace
    name: 'token-meter-${function.name}'
    properties: {
      #disable-next-line BCP037 // lets a deployment replace a function that an earlier one saved
      etag: '*'
      category: 'Token meter'
      displayName: function.name
      functionAlias: function.name
      functionParameters: function.parameters
      query: function.body
      version: 2
    }
  }
]
