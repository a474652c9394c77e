package rating

import "time"

// Delivery is one event that one webhook is to be told of.
type Delivery struct {
	ID        string    `json:"id"`
	URL       string    `json:"url"`
	Event     Event     `json:"event"`
	Attempts  int       `json:"attempts"`
	FirstAt   time.Time `json:"first_at"` // when it was put into the queue
	LastAt    time.Time `json:"last_at"`  // of the last attempt; zero = none yet
	LastError string    `json:"last_error"`
}
