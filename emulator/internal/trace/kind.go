package trace

// Kind is what a record says.
type Kind uint8

// The kinds of records, each with the type of its records.
const (
	KindClientConnected     Kind = iota // ClientConnected
	KindClientRefused                   // ClientRefused
	KindClientGone                      // ClientGone
	KindClientLost                      // ClientLost
	KindClientRecovered                 // ClientRecovered
	KindRecoveryRefused                 // RecoveryRefused
	KindHandshakeFailed                 // HandshakeFailed
	KindRoleIgnored                     // RoleIgnored
	KindRolesLeftOut                    // RolesLeftOut
	KindNoSubprotocol                   // NoSubprotocol
	KindPingUnanswered                  // PingUnanswered
	KindFrameIn                         // FrameIn
	KindFrameOut                        // FrameOut
	KindFrameInvalid                    // FrameInvalid
	KindRequestRefused                  // RequestRefused
	KindEventDelivered                  // Event: the handler answered 2xx
	KindEventRefused                    // Event: the handler answered anything else
	KindEventNotDelivered               // Event: there was no answer
	KindEventNoHandler                  // Event: no event handler selects it
	KindEventCancelled                  // Event: the client does not want the answer any more
	KindEventDropped                    // Event: the emulator has stopped
	KindEventNotWritten                 // Event: its request could not be made
	KindEventAnswerUnusable             // Event: the answer is not one to a user event
	KindEventsDropping                  // EventsDropped: the first one of several
	KindEventsDropped                   // EventsDropped: the number, once events are queued again
	KindValidationPassed                // Validation
	KindValidationFailed                // Validation
	KindRESTCall                        // RESTCall
	KindRESTCallRefused                 // RESTCall: without a valid token
	KindForeignRefused                  // ForeignRefused
	kinds
)
