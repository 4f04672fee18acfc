# answers of URL to the service contoso.webpubsub.azure.com
# consent: yes; signed events are accepted
# system events: connect 200, connected 204, disconnected 204
# user events: webpubsub-check 200; an answer does not show which the handler knows, so name them by --user-events
# group presence: joined 204, left 204; an answer does not show whether the handler uses it, so add --group-events joined,left if it does
# not visible from outside: whether clients need a token (--anonymous), and whether the handler does (--auth-resource)
az webpubsub hub create --name my-service --resource-group my-group --hub-name chat \
  --allow-anonymous false \
  --event-handler url-template=URL 'user-event-pattern=*' system-event=connect system-event=connected system-event=disconnected
