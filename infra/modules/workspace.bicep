// A Log Analytics workspace for the usage tables, where the customer has none.
param location string
param tags object
param name string
param dailyCapGigabytes int
param publicQueries bool

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: 90
    workspaceCapping: {
      dailyQuotaGb: dailyCapGigabytes
    }
    features: {
      disableLocalAuth: true
      enableLogAccessUsingOnlyResourcePermissions: false
    }
    publicNetworkAccessForIngestion: publicQueries ? 'Enabled' : 'Disabled'
    publicNetworkAccessForQuery: publicQueries ? 'Enabled' : 'Disabled'
  }
}

output id string = workspace.id
output name string = workspace.name
