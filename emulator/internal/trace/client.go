package trace

import "time"

// Client identifies the client that a record is about.
type Client struct {
	Hub        string
	Connection string // id
	User       string // id; empty for none
}

// The records of clients.
type (
	// ClientConnected is a client that has connected.
	ClientConnected struct {
		Client
		Subprotocol string
	}
	// ClientRefused is a client whose handshake was answered with an error.
	ClientRefused struct {
		Hub    string
		Status int
		Reason string
	}
	// ClientGone is a client whose connection has ended for good.
	ClientGone struct {
		Client
		Reason string // empty if the client closed without one
	}
	// ClientLost is a client of a reliable subprotocol whose socket has ended. The
	// client may recover the connection for a while.
	ClientLost struct {
		Client
		Reason      string
		Recoverable time.Duration
	}
	// ClientRecovered is a client that has recovered its connection.
	ClientRecovered struct{ Client }
	// RecoveryRefused is a client that could not recover a connection.
	RecoveryRefused struct{ Hub string }
	// HandshakeFailed is an accepted client whose WebSocket handshake failed.
	HandshakeFailed struct{ Reason string }
	// RoleIgnored is an unknown role of a client. Each role is recorded once.
	RoleIgnored struct {
		Client
		Reason string
	}
	// RolesLeftOut are roles of a client beyond the limits.
	RolesLeftOut struct {
		Client
		Count  int
		Reason string
	}
	// NoSubprotocol is a client that offers only unknown subprotocols.
	NoSubprotocol struct {
		Client
		Reason string
	}
	// PingUnanswered is a client that is disconnected because it does not answer pings.
	PingUnanswered struct{ Client }
)

func (ClientConnected) kind() Kind { return KindClientConnected }
func (ClientRefused) kind() Kind   { return KindClientRefused }
func (ClientGone) kind() Kind      { return KindClientGone }
func (ClientLost) kind() Kind      { return KindClientLost }
func (ClientRecovered) kind() Kind { return KindClientRecovered }
func (RecoveryRefused) kind() Kind { return KindRecoveryRefused }
func (HandshakeFailed) kind() Kind { return KindHandshakeFailed }
func (RoleIgnored) kind() Kind     { return KindRoleIgnored }
func (RolesLeftOut) kind() Kind    { return KindRolesLeftOut }
func (NoSubprotocol) kind() Kind   { return KindNoSubprotocol }
func (PingUnanswered) kind() Kind  { return KindPingUnanswered }
