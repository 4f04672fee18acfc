package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"github.com/go-webpubsub/webpubsub/client"
)

// news is something that the command connect prints: with --json a line of JSON with
// these members. A command's result and a message are news as well as a lost connection.
type news struct {
	Type         newsType          `json:"type"`
	ConnectionID string            `json:"connectionId,omitempty"`
	UserID       string            `json:"userId,omitempty"`
	From         string            `json:"from,omitempty"`
	Group        string            `json:"group,omitempty"`
	StreamID     string            `json:"streamId,omitempty"`
	FromUserID   string            `json:"fromUserId,omitempty"`
	Command      string            `json:"command,omitempty"`
	Event        string            `json:"event,omitempty"`
	DataType     string            `json:"dataType,omitempty"`
	Data         any               `json:"data,omitempty"`
	Metadata     map[string]string `json:"metadata,omitempty"`
	State        map[string]string `json:"state,omitzero"`
	States       []groupState      `json:"states,omitzero"`
	Reason       string            `json:"reason,omitempty"`
}

type newsType string

const (
	newsConnected    newsType = "connected"    // for the first time
	newsRecovering   newsType = "recovering"   // the connection was lost, with its reason
	newsRecovered    newsType = "recovered"    // no message was lost
	newsDisconnected newsType = "disconnected" // the connection cannot be recovered
	newsReconnected  newsType = "reconnected"  // messages in between were missed
	newsMessage      newsType = "message"
	newsPiece        newsType = "piece" // of a stream
	newsStreamEnded  newsType = "streamEnded"
	newsState        newsType = "state"        // of a connection in a group
	newsStateCleared newsType = "stateCleared" // or ended
	newsStates       newsType = "states"       // the answer of state-get or state-list
	newsDone         newsType = "done"         // a command
	newsAnswer       newsType = "answer"       // of an invocation
	newsFailed       newsType = "failed"       // a command
	newsProblem      newsType = "problem"
)

// Senders of messages.
const (
	fromGroup  = "group"
	fromServer = "server"
)

// with returns the news with a payload: JSON as it is, text as a string, other bytes in
// base64.
func (n news) with(d client.Data) news {
	switch n.DataType = d.Type().String(); d.Type() {
	case client.DataNone:
		n.DataType = ""
	case client.DataJSON:
		n.Data = json.RawMessage(d.Bytes())
	default:
		n.Data = d.String()
	}
	return n
}

// withFrame returns the news with a frame of a client without a subprotocol.
func (n news) withFrame(data []byte, binary bool) news {
	n.DataType, n.Data = kindText, string(data)
	if binary {
		n.DataType, n.Data = kindBinary, base64.StdEncoding.EncodeToString(data)
	}
	return n
}

// payload returns the payload in one line.
func (n *news) payload() string {
	switch data := n.Data.(type) {
	case string:
		return data
	case json.RawMessage:
		var line bytes.Buffer
		if json.Compact(&line, data) == nil {
			return line.String()
		}
		return string(data)
	}
	return ""
}
