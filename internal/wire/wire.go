// Package wire holds the names that Azure Web PubSub puts on the wire: headers,
// event types and media types. It has no logic, so that every
// other package can import it and each name stands once in the tree.
package wire

// Headers of webhook requests and answers, in the canonical form in which
// net/http keeps them, so that they can index an http.Header directly.
const (
	HeaderRequestOrigin   = "Webhook-Request-Origin"
	HeaderRequestRate     = "Webhook-Request-Rate"
	HeaderRequestCallback = "Webhook-Request-Callback"
	HeaderAllowedOrigin   = "Webhook-Allowed-Origin"
	HeaderAllowedRate     = "Webhook-Allowed-Rate"

	HeaderContentType   = "Content-Type"
	HeaderAuthorization = "Authorization"
	HeaderAllow         = "Allow"

	HeaderVersion              = "Ce-Awpsversion"
	HeaderSpecVersion          = "Ce-Specversion"
	HeaderType                 = "Ce-Type"
	HeaderSource               = "Ce-Source"
	HeaderID                   = "Ce-Id"
	HeaderTime                 = "Ce-Time"
	HeaderSignature            = "Ce-Signature"
	HeaderUserID               = "Ce-Userid"
	HeaderConnectionID         = "Ce-Connectionid"
	HeaderHub                  = "Ce-Hub"
	HeaderEventName            = "Ce-Eventname"
	HeaderSubprotocol          = "Ce-Subprotocol"
	HeaderConnectionState      = "Ce-Connectionstate"
	HeaderPhysicalConnectionID = "Ce-Physicalconnectionid"
	HeaderSessionID            = "Ce-Sessionid"
	HeaderClientRequestID      = "X-Ms-Client-Request-Id"

	// PrefixAttribute begins the name of every CloudEvents attribute header.
	PrefixAttribute = "Ce-"
	// PrefixMetadata begins the name of every message metadata header.
	PrefixMetadata = "X-Webpubsub-Metadata-"
	// PrefixMQTT begins the name of every MQTT user property header.
	PrefixMQTT = "Mqtt-"
)

// Version is the only value of ce-awpsversion, SpecVersion of ce-specversion.
const (
	Version     = "1.0"
	SpecVersion = "1.0"
)

// Event types (ce-type).
const (
	TypePrefix       = "azure.webpubsub."
	TypePrefixSystem = TypePrefix + "sys."
	TypePrefixUser   = TypePrefix + "user."
	TypePrefixGroup  = TypePrefix + "gp."

	TypeConnect      = TypePrefixSystem + NameConnect
	TypeConnected    = TypePrefixSystem + NameConnected
	TypeDisconnected = TypePrefixSystem + NameDisconnected
	TypeGroupJoined  = TypePrefixGroup + NameJoined
	TypeGroupLeft    = TypePrefixGroup + NameLeft
)

// Event names (ce-eventName) of the events that the service itself raises.
const (
	NameConnect      = "connect"
	NameConnected    = "connected"
	NameDisconnected = "disconnected"
	NameJoined       = "joined"
	NameLeft         = "left"
	// NameMessage is the user event of a client without a Web PubSub subprotocol.
	NameMessage = "message"
	// NameValidate stands for {event} in the URL of a validation request.
	NameValidate = "validate"
)

// Media types of payloads.
const (
	MediaText     = "text/plain"
	MediaJSON     = "application/json"
	MediaBinary   = "application/octet-stream"
	MediaProtobuf = "application/x-protobuf"
)

// Subprotocols of clients.
const (
	SubprotocolJSON         = "json.webpubsub.azure.v1"
	SubprotocolJSONReliable = "json.reliable.webpubsub.azure.v1"
	SubprotocolMQTT         = "mqtt"

	SubprotocolProtobuf         = "protobuf.webpubsub.azure.v1"
	SubprotocolProtobufReliable = "protobuf.reliable.webpubsub.azure.v1"
)

// SignaturePrefix begins each token of ce-signature.
const SignaturePrefix = "sha256="

// Limits that the service or its documentation names.
const (
	MaxGroupName      = 1024 // characters of a group name
	MaxMetadataKey    = 256  // bytes of a metadata key
	MaxMetadataValue  = 1024 // bytes of a metadata value
	MaxMetadataTotal  = 8192 // bytes of all metadata keys and values of a message
	MaxUpstreamAnswer = 16 << 20

	// MaxClientFrame is the size in bytes of the largest frame for a client: a message
	// of 1 MiB, each of whose bytes may take six to write, and what stands around it.
	MaxClientFrame = 6<<20 + 256<<10
)
