// The custom tables, out of the row definitions (infra/generated/tables.json).
param workspaceName string
param retentionDays int
param totalRetentionDays int

var declared = loadJsonContent('../generated/tables.json')

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspaceName
}

@batchSize(1)
resource tables 'Microsoft.OperationalInsights/workspaces/tables@2025-07-01' = [
  for table in declared.tables: {
    parent: workspace
    name: table.name
    properties: {
      plan: 'Analytics'
      retentionInDays: retentionDays
      totalRetentionInDays: totalRetentionDays
      schema: {
        name: table.name
        description: table.description
        columns: table.columns
      }
    }
  }
]

output location string = workspace.location
output customerId string = workspace.properties.customerId
