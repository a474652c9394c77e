// Package hooks keeps what webhooks are still to be told, in the store, until it was delivered, or could not be for a day.
//
// A delivery is one event for one URL. Whoever takes one has it for a while; when he neither finishes it nor puts it back,
// because he died, somebody else gets it. So each delivery is made at least once, by any node, and its event has the same
// id each time. Nothing of this is on the way of a call.
package hooks
