data "azurerm_web_pubsub" "service" {
  name                = "my-chat"
  resource_group_name = "(my).group"
}

resource "azurerm_web_pubsub_hub" "hub_chat" {
  name                          = "chat"
  web_pubsub_id                 = data.azurerm_web_pubsub.service.id
  anonymous_connections_enabled = false

  event_handler {
    url_template       = "https://example.com/eventhandler"
    user_event_pattern = "*"
    system_events      = ["connect", "connected", "disconnected"]
  }
}
