// Application Insights for the Function's own log and the counters, with their dimensions kept.
param location string
param tags object
param name string
param workspaceId string
param publisherPrincipalId string

var roles = loadJsonContent('../roles.json')

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: name
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspaceId
    DisableLocalAuth: true
    #disable-next-line BCP037 // not in the type; without it the metrics store drops the counters' dimensions
    CustomMetricsOptedInType: 'WithDimensions'
  }
}

resource publisher 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, publisherPrincipalId, roles.monitoringMetricsPublisher)
  scope: insights
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.monitoringMetricsPublisher)
    principalId: publisherPrincipalId
    principalType: 'ServicePrincipal'
  }
}

output id string = insights.id
output connectionString string = insights.properties.ConnectionString
