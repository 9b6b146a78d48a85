// A team's group may read the sums of days of its own applications, and no other row or table of the workspace.
// docs/access.md tells what that can do and what it cannot.
param workspaceName string

@description('Object id of the team\'s group.')
param principalId string

@description('Ids of the applications whose usage the team may see.')
param appIds array

var roles = loadJsonContent('../roles.json')
var dataRead = 'Microsoft.OperationalInsights/workspaces/tables/data/read'
var tableName = '@Resource[Microsoft.OperationalInsights/workspaces/tables:name]'
var appId = '@Resource[Microsoft.OperationalInsights/workspaces/tables/record:AppId<$key_case_sensitive$>]'
var listed = '\'${join(appIds, '\', \'')}\''
var allowed = '${tableName} StringEquals \'TokenUsageDaily_CL\' AND ${appId} ForAllOfAnyValues:StringEquals {${listed}}'

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspaceName
}

resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, principalId, roles.logAnalyticsDataReader)
  scope: workspace
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.logAnalyticsDataReader)
    principalId: principalId
    principalType: 'Group'
    condition: '((!(ActionMatches{\'${dataRead}\'})) OR (${allowed}))'
    conditionVersion: '2.0'
  }
}
