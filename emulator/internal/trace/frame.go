package trace

// FrameIn is a frame from a client.
type FrameIn struct {
	Client
	Request string // type of the decoded request
	Binary  bool
	Data    Payload
}

// FrameOut is a frame to a client.
type FrameOut struct {
	Client
	Binary bool
	Close  int // close code; zero for other frames
	Data   Payload
}

// FrameInvalid is a frame from a client that violates its protocol, which ends the
// connection.
type FrameInvalid struct {
	Client
	Reason string
}

// RequestRefused is a request of a client that was refused.
type RequestRefused struct {
	Client
	Reason string
}

func (FrameIn) kind() Kind        { return KindFrameIn }
func (FrameOut) kind() Kind       { return KindFrameOut }
func (FrameInvalid) kind() Kind   { return KindFrameInvalid }
func (RequestRefused) kind() Kind { return KindRequestRefused }
