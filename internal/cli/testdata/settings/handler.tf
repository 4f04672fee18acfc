# answers of URL to the service contoso.webpubsub.azure.com
# consent: yes; signed events are accepted
# system events: connect 200, connected 204, disconnected 204
# user events: webpubsub-check 200; an answer does not show which the handler knows, so name them by --user-events
# group presence: joined 204, left 204; an answer does not show whether the handler uses it, so add --group-events joined,left if it does
# not visible from outside: whether clients need a token (--anonymous), and whether the handler does (--auth-resource)
# Add to required_providers: azapi = { source = "Azure/azapi", version = "~> 2.0" }

data "azurerm_web_pubsub" "service" {
  name                = "my-service"
  resource_group_name = "my-group"
}

resource "azapi_resource" "hub_chat" {
  type      = "Microsoft.SignalRService/webPubSub/hubs@2025-08-01-preview"
  name      = "chat"
  parent_id = data.azurerm_web_pubsub.service.id
  body = {
    properties = {
      anonymousConnectPolicy = "deny"
      eventHandlers = [
        {
          urlTemplate      = "https://example.com/"
          userEventPattern = "*"
          systemEvents     = ["connect", "connected", "disconnected"]
          groupPresenceEvents = {
            eventNames = ["joined", "left"]
          }
        },
      ]
    }
  }
}
