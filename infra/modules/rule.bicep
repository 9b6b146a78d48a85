// The data collection rule that takes the meter's rows: one stream a table, columns out of the row definitions.
// Kind Direct has an endpoint of its own; behind private endpoints a data collection endpoint takes its place.
param location string
param tags object
param name string
param workspaceId string
param publisherPrincipalId string
param withEndpoint bool

var declared = loadJsonContent('../generated/tables.json')
var roles = loadJsonContent('../roles.json')

resource endpoint 'Microsoft.Insights/dataCollectionEndpoints@2023-03-11' = if (withEndpoint) {
  name: '${name}-endpoint'
  location: location
  tags: tags
  properties: {
    networkAcls: {
      publicNetworkAccess: 'Disabled'
    }
  }
}

resource rule 'Microsoft.Insights/dataCollectionRules@2024-03-11' = {
  name: name
  location: location
  tags: tags
  kind: 'Direct'
  properties: {
    dataCollectionEndpointId: withEndpoint ? endpoint.id : null
    streamDeclarations: declared.streamDeclarations
    destinations: {
      logAnalytics: [
        {
          name: 'workspace'
          workspaceResourceId: workspaceId
        }
      ]
    }
    dataFlows: declared.dataFlows
  }
}

// what the rule drops (a transformation, a limit) is told in the table DCRLogErrors
resource errors 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'errors'
  scope: rule
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'LogErrors'
        enabled: true
      }
    ]
  }
}

resource publisher 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(rule.id, publisherPrincipalId, roles.monitoringMetricsPublisher)
  scope: rule
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.monitoringMetricsPublisher)
    principalId: publisherPrincipalId
    principalType: 'ServicePrincipal'
  }
}

output immutableId string = rule.properties.immutableId
output ingestionEndpoint string = withEndpoint ? endpoint!.properties.logsIngestion.endpoint : rule.properties.endpoints.logsIngestion
output endpointId string = withEndpoint ? endpoint.id : ''
