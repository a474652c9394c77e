// Package license answers: has billing been activated, is it on trial or licensed, until when, and for which device.
//
//	device.go    a device is what several weak identifiers say together; most of them must still match
//	identify.go  where the identifiers of this device are read
//	document.go  the readable text that all files here are written in
//	request.go   billing.ac: the description of a device that its vendor gets
//	key.go       the vendor's signing key, and the verification key that is embedded
//	sign.go      a licence is made
//	verify.go    a licence is checked; every refusal says why
//	record.go    what is remembered of trial and licence, in three places
//	clock.go     a time that is never turned back
//	trial.go     thirty days, and what is over when they are
//	place.go     one place that keeps the record
//	keeper.go    all of it together, while the program runs
//
// A licence decides who may operate the system, never who may make a call. No connection to anybody is ever needed.
package license
