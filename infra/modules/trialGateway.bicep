// A developer-tier API Management to try the fragments on. It has no SLA and takes about half an hour to come up.
param location string
param tags object
param name string
param publisherEmail string

resource apim 'Microsoft.ApiManagement/service@2024-05-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'Developer'
    capacity: 1
  }
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    publisherEmail: publisherEmail
    publisherName: 'Token meter trial'
  }
}
