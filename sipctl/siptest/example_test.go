package siptest_test

import (
	"context"
	"fmt"
	"time"

	"tollgate/sipctl/siptest"
)

// A phone calls a carrier, here without anything between them. The carrier hangs up after a while, and its record says for
// how long it has talked.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	carrier, err := siptest.NewCarrier(siptest.CarrierConfig{})
	if err != nil {
		panic(err)
	}
	defer carrier.Close()
	carrier.On("988360046", siptest.HangUpAfter(20*time.Millisecond, siptest.Header{Name: "Reason", Value: "Q.850;cause=16"}))

	phone, err := siptest.NewPhone(siptest.PhoneConfig{Server: carrier.Addr(), User: "102"})
	if err != nil {
		panic(err)
	}
	defer phone.Close()
	call := phone.Call("988360046")
	answer, err := call.Answered(ctx)
	if err != nil {
		panic(err)
	}
	end, err := call.Ended(ctx)
	if err != nil {
		panic(err)
	}
	rows, _ := carrier.Record()
	fmt.Println("answered with", answer.Code, "and ended by the", end.By, "side:", end.Reason)
	fmt.Println("the carrier talked with", rows[0].From, "for", rows[0].Seconds(), "s")
	// Output:
	// answered with 200 and ended by the remote side: Q.850;cause=16
	// the carrier talked with 102 for 1 s
}
