// Package rule holds Azure Web PubSub's rules for names, values and limits, for
// the packages that call the service, answer it or emulate it. Each rule is here
// once. A Check function returns an error that shows the value, cut, and the rule.
//
// The sources, as the rules name them:
//
//   - REST: Azure/azure-rest-api-specs, specification/webpubsub/data-plane/WebPubSub/stable/2024-12-01/webpubsub.json.
//   - Roles: learn.microsoft.com/azure/azure-web-pubsub/reference-json-webpubsub-subprotocol, section Permissions.
//   - Wildcards: learn.microsoft.com/azure/azure-web-pubsub/concept-wildcard-group-roles.
//   - Emulator: Azure/azure-webpubsub, tools/emulator/src/Microsoft.Azure.WebPubSub.Emulator, written by the
//     service's team. Its strings count UTF-16 code units.
package rule
