// Alerts on what would make the bill wrong. docs/runbook.md says what to do at each.
param location string
param tags object
param namePrefix string
param workspaceId string
param emails array
param lagSeconds int
param unknownSharePercent int
param driftPercent int

var failing = {
  numberOfEvaluationPeriods: 1
  minFailingPeriodsToAlert: 1
}

resource group 'Microsoft.Insights/actionGroups@2022-06-01' = {
  name: '${namePrefix}-alerts'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'tokenmeter'
    enabled: true
    emailReceivers: [
      for (email, index) in emails: {
        name: 'receiver-${index}'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

// each query gives a row for what is wrong, and none where all is well
var rules = [
  {
    name: 'events-never-metered'
    description: 'The ledger has a hole: events on the hub that no batch metered.'
    query: 'TokenGaps(ago(1d), now())'
    window: 'P1D'
    every: 'PT1H'
    severity: 1
  }
  {
    name: 'rows-never-stored'
    description: 'Log Analytics accepted rows that are not in the table.'
    query: 'TokenUnstored(ago(1d), now())'
    window: 'P1D'
    every: 'PT1H'
    severity: 1
  }
  {
    name: 'batches-unbalanced'
    description: 'A batch whose counts do not balance: a defect of the meter.'
    query: 'TokenBatches(ago(1d), now()) | where not(Balanced)'
    window: 'P1D'
    every: 'PT1H'
    severity: 1
  }
  {
    name: 'lag'
    description: 'The meter is behind the hub.'
    query: 'TokenBatches(ago(1h), now()) | summarize arg_max(LastEnqueuedTime, LagSeconds) by EventHub, Partition | where LagSeconds > ${lagSeconds}'
    window: 'PT1H'
    every: 'PT15M'
    severity: 2
  }
  {
    name: 'records-rejected'
    description: 'Records that could not be metered lie in the dead letters.'
    query: 'TokenRejected(ago(1d), now()) | where not(Recovered)'
    window: 'P1D'
    every: 'PT1H'
    severity: 2
  }
  {
    name: 'unknown-share'
    description: 'Too many charged calls have tokens that nobody knows.'
    query: 'TokenHealth(ago(1d), now()) | where UnknownShare * 100 > ${unknownSharePercent}'
    window: 'P1D'
    every: 'PT6H'
    severity: 2
  }
  {
    name: 'drift'
    description: 'The meter and the services\' own metrics differ on a whole day.'
    query: 'TokenReconciliation(ago(4d), now()) | where AccountId != "" and Measure == "total_tokens" and Status != "too_early" | summarize Drift = sum(abs(Difference)), Service = sum(ServiceValue), Metered = sum(MeteredValue) by Day, Account | where Drift * 100 > max_of(Service, Metered) * ${driftPercent}'
    window: 'P1D'
    every: 'PT6H'
    severity: 2
  }
  {
    name: 'budget-over'
    description: 'An application or a cost centre has spent its month\'s budget.'
    query: 'TokenMeterBudget_CL | where TimeGenerated > ago(1d) | summarize arg_max(AsOf, *) by Dimension, BudgetKey, Month | where Month == startofmonth(now()) and Status == "over"'
    window: 'P1D'
    every: 'PT6H'
    severity: 2
  }
  {
    name: 'rows-dropped'
    description: 'The data collection rule dropped rows.'
    query: 'DCRLogErrors | where TimeGenerated > ago(1h)'
    window: 'PT1H'
    every: 'PT15M'
    severity: 1
  }
  {
    name: 'daily-cap'
    description: 'The workspace reached its daily cap and stores nothing more today.'
    query: '_LogOperation | where TimeGenerated > ago(1h) | where Category =~ "Ingestion" and Detail has "OverQuota"'
    window: 'PT1H'
    every: 'PT15M'
    severity: 1
  }
]

resource alerts 'Microsoft.Insights/scheduledQueryRules@2025-01-01-preview' = [
  for rule in rules: {
    name: '${namePrefix}-${rule.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Token meter: ${rule.name}'
      description: rule.description
      severity: rule.severity
      enabled: true
      scopes: [
        workspaceId
      ]
      evaluationFrequency: rule.every
      windowSize: rule.window
      // the queries choose their own time, and must see what arrived before it: the longest that an alert may read
      overrideQueryTimeRange: 'P2D'
      autoMitigate: true
      skipQueryValidation: true // the functions are deployed in the same run
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: failing
          }
        ]
      }
      actions: {
        actionGroups: [
          group.id
        ]
      }
    }
  }
]
