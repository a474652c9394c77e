// Package siptest holds two scripted SIP user agents that talk over real sockets: a Phone that places calls and a Carrier
// that takes them. Tests, the demo and the load generator put a Tollgate between the two.
//
// They are witnesses, so they share no code with what they watch: messages are read and written here (message.go,
// compose.go), transactions are as small as RFC 3261 §17 allows (clienttx.go, repeater.go), and the Carrier keeps its own
// record of who talked for how long (record.go). They are also saboteurs: a Plan or a Behaviour can drop the ACK, cancel in
// the same breath as it calls, answer what was cancelled, fork, ring for ever, fall silent, or vanish.
//
// A Phone and a Carrier each own one UDP socket, or one TCP listener and its connections, on an address of their choice.
// Nothing here opens media: bodies are carried as text.
//
// Time stamps are taken at the socket, right after a read and right before a write, and keep Go's monotonic reading.
// All methods may be called from any goroutine. Close waits for everything the user agent has started.
package siptest
