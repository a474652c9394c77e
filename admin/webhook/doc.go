// Package webhook tells other systems of events, by signed POST requests.
//
//	sign.go     the signature, which the receiver checks
//	guard.go    which addresses may be reached at all
//	send.go     one request
//	courier.go  the deliveries that wait, with patience
package webhook
