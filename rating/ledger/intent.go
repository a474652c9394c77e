package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"tollgate/rating"
)

// rechargeBatch bounds how many accounts one script changes.
const rechargeBatch = 200

// States of an intent. Whoever finds it in one of the first three may go on with it: every step is safe to repeat, and
// one script alone decides between applying and aborting.
const (
	preparing = "preparing" // accounts are being prepared
	applying  = "applying"  // decided: every account was prepared
	aborted   = "aborted"   // decided: one could not be prepared; the others are released
	done      = "done"
	refused   = "refused"
)

// errGone says that the intent was refused and begun anew by another request.
var errGone = errors.New("another attempt has begun")

// intent is a recharge as it is stored, and the attempt to apply it.
type intent struct {
	name    string
	state   string
	attempt string // tells a repeat after a refusal from late steps of the first try
	result  string // done: balances before and after, else why it is aborted
	intentBody
}

// intentBody is the stored form of a recharge.
type intentBody struct {
	Key    string       `json:"key"`
	Payees [][2]string  `json:"payees"` // extension, user name
	Amount rating.Money `json:"amount"`
	Note   string       `json:"note"`
	By     string       `json:"by"`
	At     time.Time    `json:"at"`
}

func intentBodyOf(r rating.Recharge) intentBody {
	b := intentBody{Key: r.Key, Amount: r.Amount, Note: r.Note, By: r.By, At: receiptTime(r.At)}
	for _, p := range r.Payees {
		b.Payees = append(b.Payees, [2]string{p.Extension, p.Username})
	}
	return b
}

// decodeIntent reads {state, attempt, body, result}.
func decodeIntent(name string, r reply) (intent, error) {
	i := intent{name: name, state: r.text(0), attempt: r.text(1), result: r.text(3)}
	if err := json.Unmarshal([]byte(r.text(2)), &i.intentBody); err != nil {
		return i, fmt.Errorf("intent %s: %w", shorten(name), err)
	}
	return i, nil
}

// drive takes an intent from where it is to its end.
func (l *Ledger) drive(ctx context.Context, i intent) ([]rating.Receipt, error) {
	if i.state == preparing {
		if err := l.decide(ctx, &i, l.prepare(ctx, i)); err != nil {
			return nil, err
		}
	}
	switch i.state {
	case applying:
		return l.apply(ctx, i)
	case aborted:
		return nil, l.release(ctx, i)
	case done:
		return i.receipts()
	case refused:
		return nil, decodeRefusal(i.result)
	}
	return nil, fmt.Errorf("intent %s: state %q is none", i.name, shorten(i.state))
}

// decide settles, by what preparing came to, whether the intent is applied; the first word counts.
func (l *Ledger) decide(ctx context.Context, i *intent, prepared error) error {
	to, why := applying, ""
	if prepared != nil {
		var no refusal
		if !errors.As(prepared, &no) {
			return prepared
		}
		to, why = aborted, no.encode()
	}
	r, err := l.run(ctx, decideScript, []string{intentKey(i.name)}, i.attempt, to, why)
	if err != nil {
		return err
	}
	if r.word() == "GONE" {
		return errGone
	}
	i.state, i.result = r.word(), r.text(1)
	return nil
}

func (l *Ledger) prepare(ctx context.Context, i intent) error {
	return i.eachBatch(func(shard int, payees []payee) error {
		keys, args := []string{preparedKey(shard, i.name, i.attempt)}, []any{int64(i.Amount)}
		for _, p := range payees {
			keys, args = append(keys, p.key), append(args, p.extension)
		}
		r, err := l.run(ctx, prepareScript, keys, args...)
		switch {
		case err != nil:
			return err
		case r.word() == "RELEASED":
			return nil // aborted already: decide will say so
		}
		if err := r.verdict(); err != nil {
			return refusal{r.word(), r.text(1)}
		}
		return nil
	})
}

func (l *Ledger) apply(ctx context.Context, i intent) ([]rating.Receipt, error) {
	balances := make([][2]int64, len(i.Payees))
	err := i.eachBatch(func(shard int, payees []payee) error {
		keys, args := []string{preparedKey(shard, i.name, i.attempt), outboxKey(shard)}, []any{int64(i.Amount)}
		for _, p := range payees {
			line, err := json.Marshal(i.entry(p))
			if err != nil {
				return err
			}
			keys, args = append(keys, p.key), append(args, p.extension, line)
		}
		r, err := l.run(ctx, applyScript, keys, args...)
		if err == nil {
			err = r.verdict()
		}
		if err != nil {
			return err
		}
		for n, p := range payees {
			for side := range 2 {
				if balances[p.index][side], err = strconv.ParseInt(r.text(1+2*n+side), 10, 64); err != nil {
					return fmt.Errorf("balance of %s: %w", p.extension, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	result, err := json.Marshal(balances)
	if err != nil {
		return nil, err
	}
	i.result = string(result)
	if err := l.finish(ctx, i, done); err != nil {
		return nil, err
	}
	return i.receipts()
}

func (l *Ledger) release(ctx context.Context, i intent) error {
	err := i.eachBatch(func(shard int, payees []payee) error {
		keys, args := []string{preparedKey(shard, i.name, i.attempt)}, []any{int64(i.Amount)}
		for _, p := range payees {
			keys, args = append(keys, p.key), append(args, p.extension)
		}
		_, err := l.run(ctx, releaseScript, keys, args...)
		return err
	})
	if err == nil {
		err = l.finish(ctx, i, refused)
	}
	if err != nil {
		return err
	}
	return decodeRefusal(i.result)
}

// finish notes the answer for good. Only then the steps on the accounts may be forgotten, after a while: nothing late
// may repeat one.
func (l *Ledger) finish(ctx context.Context, i intent, state string) error {
	_, err := l.run(ctx, finishScript, []string{intentKey(i.name), unfinishedKey(intentShard(i.name))},
		i.name, i.attempt, state, i.result, intentKept.Milliseconds())
	if err != nil {
		return err
	}
	return i.eachBatch(func(shard int, _ []payee) error {
		return storeError(l.redis.PExpire(ctx, preparedKey(shard, i.name, i.attempt), preparedKept).Err())
	})
}

// payee is an account of an intent: its place in the list, and its key.
type payee struct {
	index               int
	extension, username string
	key                 string
}

// eachBatch calls f with the payees of each shard, some hundred at a time, in the same order every time.
func (i intent) eachBatch(f func(shard int, payees []payee) error) error {
	var byShard [rating.Shards][]payee
	for index, p := range i.Payees {
		keys, err := keysOf(p[0])
		if err != nil {
			return refusal{"UNKNOWN", p[0]}
		}
		byShard[keys.shard] = append(byShard[keys.shard], payee{index, p[0], p[1], keys.account})
	}
	return eachShard(func(shard int) error {
		for rest := byShard[shard]; len(rest) > 0; {
			batch := rest[:min(len(rest), rechargeBatch)]
			rest = rest[len(batch):]
			if err := f(shard, batch); err != nil {
				return err
			}
		}
		return nil
	})
}

func (i intent) entry(p payee) rating.Entry {
	return rating.Entry{Extension: p.extension, Username: p.username, Kind: rating.Recharge{Amount: i.Amount}.Kind(),
		At: i.At, Ref: i.Key, By: i.By, Note: i.Note}
}

// receipts are the answer of an intent that is done.
func (i intent) receipts() ([]rating.Receipt, error) {
	var balances [][2]int64
	if err := json.Unmarshal([]byte(i.result), &balances); err != nil || len(balances) != len(i.Payees) {
		return nil, fmt.Errorf("intent %s: its result cannot be read", i.name)
	}
	receipts := make([]rating.Receipt, len(balances))
	for n, p := range i.Payees {
		before, after := rating.Money(balances[n][0]), rating.Money(balances[n][1])
		receipts[n] = rating.Receipt{Extension: p[0], Username: p[1], Before: before, Amount: i.Amount, After: after, At: i.At}
	}
	return receipts, nil
}

// refusal says which account a recharge failed on, and by which word of a script.
type refusal struct{ word, extension string }

func (r refusal) Error() string { return shorten(r.extension) + ": " + r.Unwrap().Error() }

func (r refusal) Unwrap() error {
	if err, ok := verdicts[r.word]; ok {
		return err
	}
	return rating.ErrConflict
}

func (r refusal) encode() string { return r.word + " " + r.extension }

func decodeRefusal(s string) error {
	var r refusal
	fmt.Sscanf(s, "%s %s", &r.word, &r.extension)
	return r
}
