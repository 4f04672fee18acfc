# Add to required_providers: azapi = { source = "Azure/azapi", version = "~> 2.0" }

data "azurerm_web_pubsub" "service" {
  name                = "my-service"
  resource_group_name = "my-group"
}

resource "azapi_resource" "hub_chat" {
  type      = "Microsoft.SignalRService/webPubSub/hubs@2024-03-01"
  name      = "chat"
  parent_id = data.azurerm_web_pubsub.service.id
  body = {
    properties = {
      anonymousConnectPolicy = "allow"
      eventHandlers = [
        {
          urlTemplate      = "https://example.com/{hub}/{event}?code={@Microsoft.KeyVault(SecretUri=https://vault.azure.net/secrets/code)}"
          userEventPattern = "say, it's"
          systemEvents     = ["connect"]
          auth = {
            type = "ManagedIdentity"
            managedIdentity = {
              resource = "api://chat"
            }
          }
        },
        {
          urlTemplate      = "https://example.com/rest"
          userEventPattern = "*"
          systemEvents     = []
        },
      ]
    }
  }
}

resource "azapi_resource" "hub_present" {
  type      = "Microsoft.SignalRService/webPubSub/hubs@2025-08-01-preview"
  name      = "present"
  parent_id = data.azurerm_web_pubsub.service.id
  body = {
    properties = {
      anonymousConnectPolicy = "deny"
      eventHandlers = [
        {
          urlTemplate  = "http://example.com/?a=1"
          systemEvents = ["connected", "disconnected"]
          groupPresenceEvents = {
            eventNames   = ["joined", "left"]
            groupFilters = ["room.*", "a\"b"]
          }
        },
      ]
    }
  }
}

resource "azurerm_web_pubsub_hub" "hub_quiet" {
  name                          = "quiet"
  web_pubsub_id                 = data.azurerm_web_pubsub.service.id
  anonymous_connections_enabled = false
}
