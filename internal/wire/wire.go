// Package wire holds the names that Azure Web PubSub uses on the wire: headers, event
// types, subprotocols and media types. All other packages can import it, so that
// each name is defined once.
package wire

// Headers of webhook requests and answers, in canonical form, so that they can
// index an http.Header.
const (
	HeaderRequestOrigin = "Webhook-Request-Origin"
	HeaderRequestRate   = "Webhook-Request-Rate"
	HeaderAllowedOrigin = "Webhook-Allowed-Origin"
	HeaderAllowedRate   = "Webhook-Allowed-Rate"

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

	// PrefixAttribute is the prefix of CloudEvents attribute headers.
	PrefixAttribute = "Ce-"
	// PrefixMetadata is the prefix of message metadata headers.
	PrefixMetadata = "X-Webpubsub-Metadata-"
	// PrefixMQTT is the prefix of MQTT user property headers.
	PrefixMQTT = "Mqtt-"
)

// Version is the value of ce-awpsversion, SpecVersion that of ce-specversion.
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
	// NameValidate replaces {event} in the URL of a validation request.
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

// SignaturePrefix is the prefix of each token of ce-signature.
const SignaturePrefix = "sha256="

// Limits of the service.
const (
	MaxUpstreamAnswer = 16 << 20

	// MaxClientFrame is the size in bytes of the largest frame for a client: a message
	// of 1 MiB, each of whose bytes may be escaped with six, and the rest of the frame.
	MaxClientFrame = 6<<20 + 256<<10
)
