// Package rating is the language of Tollgate: money, rates, accounts, holds, call detail records, the dial plan and
// the law that ties them together. It holds rules and types only: no Redis, no SIP, no HTTP, no clock, no logging.
//
// # Glossary
//
//	Money        an amount in micro-units: 1 currency unit = 1,000,000. Integers only; |amount| < 2^53.
//	Tariff       what a call costs: InitialCost covers InitialTime seconds, then PerUnit for every begun BillingUnit.
//	Rate         a tariff and the calls that it is for: prefix, number length, time of day, extensions.
//	unit         one BillingUnit of talk after the initial time, paid before it begins.
//	first charge what must be affordable before the INVITE goes out: the initial cost and, where the tariff starts
//	             with a unit, that unit.
//	Account      the money of one extension: balance, credit, and the sum of what is held.
//	available    balance + credit - held. No charge, hold or adjustment takes it below zero.
//	hold         money set aside for one running call (RFC 8506 calls it a granted quota). It grows unit by unit and
//	             is settled once: the cost is debited, the rest is free again.
//	granted      the number of units a hold pays for; the call may talk until PaidFor(granted).
//	settlement   the end of a call in the ledger: one debit, one journal line, one CDR, in one step.
//	Entry        a line of an account's journal. Entries are numbered 1, 2, 3 … without gaps per account.
//	CDR          call detail record: one for every INVITE that was authorised, or refused by us.
//	Snapshot     everything an operator edits, at one version, indexed for the call path.
//
// # Rounding
//
// There is none after a rate is saved: a cost is an integer plus an integer times an integer. Talk time is counted in
// begun seconds; an average of seconds is rounded half up, and that is the only rounding in the product.
package rating
