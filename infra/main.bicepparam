using 'main.bicep'

// azd gives these; with the az command line they may stay as they are. docs/infrastructure.md lists all parameters.
param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', '')
param apimName = readEnvironmentVariable('APIM_NAME', '')
param apimResourceGroup = readEnvironmentVariable('APIM_RESOURCE_GROUP', '')
