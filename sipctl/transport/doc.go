// Package transport moves SIP messages between sockets and the transaction layer (RFC 3261 §18). It reads through the guard,
// parses with sipgo, and writes bytes that others have composed.
//
// The messages of one socket or connection are delivered one after the other, in the order in which they came: a CANCEL
// cannot overtake its INVITE in here. The handler must therefore not block.
//
// A Flow is the way back to whoever sent a message, and the way to a trunk. Requests that we begin go out through the UDP
// socket that listens, and for streams through connections that we dialled ourselves: nobody can place himself between us
// and a trunk by connecting to us.
package transport
