// Web PubSub with one hub, and its event handler on Container Apps. docs/deploying.md
// explains the parameters and what has been tried.
targetScope = 'resourceGroup'

@description('Name of the app, and the start of the names of the other resources.')
@minLength(3)
@maxLength(20)
param name string

@description('Region of all resources.')
param location string = resourceGroup().location

@description('Image of the event handler, in a registry that needs no password, or in that of registryServer.')
param image string

@description('Arguments of the program. {url} is replaced by the public URL of the app.')
param args array = []

@description('Further variables of the environment, by name. Not for secrets: everyone who can read the app sees them.')
param settings object = {}

@description('Port on which the program listens. It gets the port in PORT.')
@minValue(1)
@maxValue(65535)
param port int = 3000

@description('Name of the hub.')
param hub string = 'echo'

@description('Path of the URL at which the app handles events. {hub} and {event} are replaced by the service.')
param eventHandlerPath string = '/eventhandler'

@description('User events that are sent to the event handler: * for all, or names separated by commas.')
param userEventPattern string = '*'

@description('System events that are sent to the event handler.')
param systemEvents ('connect' | 'connected' | 'disconnected')[] = ['connect', 'connected', 'disconnected']

@description('Group presence events that are sent to the event handler. If not empty, the hub uses a preview of the API.')
param groupPresenceEvents ('joined' | 'left')[] = []

@description('Patterns of the groups whose presence events are sent. Empty for all groups.')
param groupFilters array = []

@description('Resource, such as api://<client id>, for which the service requests an Entra token for each event. Empty for none: events have their signature all the same.')
param tokenResource string = ''

@description('Access key of the connection string that the app gets. Change it to rotate keys.')
@allowed(['primary', 'secondary'])
param accessKey string = 'primary'

@description('Replicas that always run. With 0 the first event after a pause waits for a start.')
@minValue(0)
@maxValue(300)
param minReplicas int = 1

@description('Replicas at most.')
@minValue(1)
@maxValue(300)
param maxReplicas int = 3

@description('Price tier of Web PubSub.')
@allowed(['Free_F1', 'Standard_S1', 'Premium_P1'])
param sku string = 'Standard_S1'

@description('Units of Web PubSub.')
@minValue(1)
param units int = 1

@description('Host of a private registry. Empty for a public image.')
param registryServer string = ''

@description('Resource ID of a user-assigned identity with the role AcrPull on registryServer.')
param registryIdentity string = ''

var suffix = uniqueString(resourceGroup().id)
var secretName = 'webpubsub-${accessKey}' // another name is another revision, which reads the new key
var url = 'https://${name}.${apps.properties.defaultDomain}'

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: '${name}-${suffix}'
  location: location
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 30
  }
}

resource service 'Microsoft.SignalRService/webPubSub@2024-03-01' = {
  name: '${name}-${suffix}'
  location: location
  sku: { name: sku, capacity: units }
  identity: { type: 'SystemAssigned' }
  properties: {
    disableLocalAuth: false // the event handler verifies signatures by the access key
    publicNetworkAccess: 'Enabled'
  }
}

resource serviceLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: service
  properties: {
    workspaceId: workspace.id
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

resource apps 'Microsoft.App/managedEnvironments@2025-01-01' = {
  name: name
  location: location
  properties: {
    appLogsConfiguration: { destination: 'azure-monitor' } // needs no key of the workspace
  }
}

resource appLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: apps
  properties: {
    workspaceId: workspace.id
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

resource app 'Microsoft.App/containerApps@2025-01-01' = {
  name: name
  location: location
  identity: empty(registryIdentity)
    ? { type: 'None' }
    : { type: 'UserAssigned', userAssignedIdentities: { '${registryIdentity}': {} } }
  properties: {
    environmentId: apps.id
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: {
        external: true // the service calls from outside
        allowInsecure: false
        targetPort: port
        transport: 'http'
      }
      registries: empty(registryServer) ? [] : [{ server: registryServer, identity: registryIdentity }]
      secrets: [
        {
          name: secretName
          value: service.listKeys()['${accessKey}ConnectionString']
        }
      ]
    }
    template: {
      terminationGracePeriodSeconds: 120 // the service waits 100 s for an answer
      containers: [
        {
          name: 'handler'
          image: image
          args: [for arg in args: replace(arg, '{url}', url)]
          env: concat(
            [
              { name: 'HOST', value: '0.0.0.0' }
              { name: 'PORT', value: string(port) }
              { name: 'WEBPUBSUB_CONNECTION_STRING', secretRef: secretName }
            ],
            empty(tokenResource)
              ? []
              : [
                  { name: 'ENTRA_TENANT_ID', value: tenant().tenantId }
                  { name: 'ENTRA_AUDIENCES', value: '${tokenResource} ${replace(tokenResource, 'api://', '')}' }
                  { name: 'ENTRA_CALLER_OBJECT_IDS', value: service.identity.principalId }
                ],
            map(items(settings), setting => { name: setting.key, value: setting.value })
          )
          resources: { cpu: json('0.25'), memory: '0.5Gi' }
          probes: [
            // A connection only: not every event handler has a page to get.
            { type: 'Startup', tcpSocket: { port: port }, periodSeconds: 1, failureThreshold: 30 }
            { type: 'Readiness', tcpSocket: { port: port }, periodSeconds: 5 }
            { type: 'Liveness', tcpSocket: { port: port }, periodSeconds: 10 }
          ]
        }
      ]
      scale: {
        minReplicas: minReplicas
        maxReplicas: maxReplicas
        rules: [{ name: 'requests', http: { metadata: { concurrentRequests: '50' } } }]
      }
    }
  }
}

var eventHandler = {
  urlTemplate: '${url}${eventHandlerPath}'
  userEventPattern: userEventPattern
  systemEvents: systemEvents
  auth: empty(tokenResource)
    ? { type: 'None' }
    : { type: 'ManagedIdentity', managedIdentity: { resource: tokenResource } }
}

var presence = {
  groupPresenceEvents: { eventNames: groupPresenceEvents, groupFilters: groupFilters }
}

// The service asks the event handler for consent when it saves a hub: the app comes first.
resource plainHub 'Microsoft.SignalRService/webPubSub/hubs@2024-03-01' = if (empty(groupPresenceEvents)) {
  parent: service
  name: hub
  properties: {
    anonymousConnectPolicy: 'deny'
    eventHandlers: [eventHandler]
  }
  dependsOn: [app]
}

resource presenceHub 'Microsoft.SignalRService/webPubSub/hubs@2025-08-01-preview' = if (!empty(groupPresenceEvents)) {
  parent: service
  name: hub
  properties: {
    anonymousConnectPolicy: 'deny'
    eventHandlers: [union(eventHandler, presence)]
  }
  dependsOn: [app]
}

output WEBPUBSUB_ENDPOINT string = 'https://${service.properties.hostName}'
output WEBPUBSUB_HUB string = hub
output EVENT_HANDLER_URL string = '${url}${eventHandlerPath}'
output ENTRA_CALLER_OBJECT_ID string = service.identity.principalId
