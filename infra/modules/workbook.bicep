// The workbook: the shipped queries on four tabs (infra/generated/workbook.json).
param location string
param tags object
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'token-meter')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'AI usage and cost'
    serializedData: loadTextContent('../generated/workbook.json')
    sourceId: workspaceId
    category: 'workbook'
  }
}
