package main

import (
	"time"

	"tollgate/rating"
	"tollgate/sipctl/siptest"
)

// The people, prices and carriers of the demo.

// person is an extension of the demo with the money that it begins with.
type person struct {
	number, name string
	money        rating.Money
}

var (
	alice = person{"101", "Alice", 10 * rating.Unit}
	bob   = person{"102", "Bob", 30_000}  // three seconds by the second
	carol = person{"103", "Carol", 0}     // nothing at all
	dave  = person{"104", "Dave", 60_000} // shared by three calls
	erin  = person{"105", "Erin", 20_000} // two seconds, and a recharge on the way
	cast  = []person{alice, bob, carol, dave, erin}
)

const (
	cityNumber   = "988360046" // 0.10 for the first minute
	secondNumber = "955501234" // 0.01 a second
	brokenNumber = "977700100" // the first trunk is out of order for it
	calleeNumber = "988361111" // the callee hangs up
)

// scene is one call of the demo, told from the caller's side.
type scene struct {
	who      person
	number   string
	title    string
	talk     time.Duration // then the caller hangs up, also who was to be refused; 0: waits for the other side
	recharge rating.Money  // paid in a second after the answer
}

// scenes are played in order; the first five include a refusal and a cut-off.
var scenes = []scene{
	{who: alice, number: cityNumber, title: "a normal call", talk: 2900 * time.Millisecond},
	{who: carol, number: cityNumber, title: "no money: refused", talk: 1900 * time.Millisecond},
	{who: bob, number: secondNumber, title: "cut when the money ends"},
	{who: alice, number: brokenNumber, title: "the first trunk fails, the next one takes it", talk: 1900 * time.Millisecond},
	{who: carol, number: "112", title: "an emergency call needs no money", talk: 1900 * time.Millisecond},
	{who: erin, number: secondNumber, title: "a recharge in mid-call extends it", talk: 3900 * time.Millisecond, recharge: 50_000},
	{who: alice, number: calleeNumber, title: "the callee hangs up"},
	{who: dave, number: secondNumber, title: "three calls share one balance"},
	{who: dave, number: secondNumber, title: "three calls share one balance"},
	{who: dave, number: secondNumber, title: "three calls share one balance"},
}

// encores go on for ever, in turn, once the scenes are played.
var encores = []scene{
	{who: alice, number: cityNumber, title: "a normal call", talk: 3900 * time.Millisecond},
	{who: alice, number: secondNumber, title: "by the second", talk: 2500 * time.Millisecond},
	{who: carol, number: cityNumber, title: "no money: refused", talk: 1900 * time.Millisecond},
	{who: alice, number: brokenNumber, title: "failover", talk: 2900 * time.Millisecond},
	{who: alice, number: calleeNumber, title: "the callee hangs up"},
}

// sceneNumber returns the n-th call of the demo, from 0.
func sceneNumber(n int) scene {
	if n < len(scenes) {
		return scenes[n]
	}
	return encores[(n-len(scenes))%len(encores)]
}

// behave teaches the carriers their parts; numbers are as the trunks get them, without the leading 9.
func behave(first, second *siptest.Carrier) {
	for _, c := range []*siptest.Carrier{first, second} {
		c.On(calleeNumber[1:], siptest.HangUpAfter(2*time.Second))
	}
	first.On(brokenNumber[1:], siptest.Overloaded("1"))
}

// demoRates are the prices of the demo.
func demoRates() []rating.Rate {
	city, second := rating.NewRate(), rating.NewRate()
	city.Remark, city.Prefix = "city", "9"
	city.Tariff = rating.Tariff{InitialCost: 100_000, InitialTime: 60, PerUnit: 20_000, BillingUnit: 55}
	second.Remark, second.Prefix = "by the second", "95"
	second.Tariff = rating.Tariff{PerUnit: 10_000, BillingUnit: 1}
	return []rating.Rate{city, second}
}
