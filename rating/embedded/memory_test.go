package embedded_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"tollgate/rating/embedded"
	"tollgate/rating/embedded/redistest"
)

// alike is what Tollgate uses of Redis: the in-process engine must answer each line as a real server does.
var alike = []string{
	// numbers: money is formatted with %.0f and stays exact up to 2^53-1
	`EVAL "return string.format('%.0f', 9007199254740991)" 0`,
	`EVAL "return 9007199254740991" 0`,
	`EVAL "redis.call('HSET','a','n',string.format('%.0f', 9007199254740991)) return redis.call('HGET','a','n')" 0`,
	`EVAL "redis.call('SET','n',123456789012345) return redis.call('GET','n')" 0`,
	`EVAL "return 3.99" 0`,
	`EVAL "return -3.99" 0`,
	`EVAL "return math.floor(-7/2)" 0`,
	`EVAL "return tonumber('12abc') == nil and 'nil' or 'number'" 0`,
	// answers and errors of scripts
	`EVAL "return redis.error_reply('NOCREDIT no money')" 0`,
	`EVAL "return redis.error_reply('NOCREDIT')" 0`,
	`EVAL "return {err='LOCKED it is'}" 0`,
	`EVAL "return redis.status_reply('DONE')" 0`,
	`EVAL "local r = redis.pcall('HGET','n','f') return r.err" 0`,
	`EVAL "return {1,'x',{2,'y'},false}" 0`,
	`EVAL "return {1,nil,3}" 0`,
	`EVAL "return type(redis.call('GET','absent'))" 0`,
	`EVAL "local v = redis.call('HMGET','absent','a','b') return {type(v[1]), #v}" 0`,
	`EVAL "return {#KEYS, #ARGV, KEYS[1], ARGV[2]}" 1 k a b`,
	`EVAL "return unpack({1,2,3})" 0`,
	`EVAL "return {string.match('12:34','(%d+):(%d+)')}" 0`,
	`EVAL "return table.concat({'a','b'},',')" 0`,
	`EVAL "return tostring(cjson.decode('{\"n\":null}').n == cjson.null)" 0`,
	`EVAL "return cjson.encode({'a',1,true})" 0`,
	`EVAL "return cjson.encode({s='x'})" 0`,
	`EVAL "return cjson.decode('{\"a\":{\"b\":[1,2,3]}}').a.b[3]" 0`,
	`EVAL "return redis.sha1hex('x')" 0`,
	`EVALSHA ffffffffffffffffffffffffffffffffffffffff 0`,
	`SCRIPT LOAD "return 7"`,
	`EVALSHA aff5c97021e4d8e9a2ea8d4a56be4c1eb3ac3bac 0`,
	`SCRIPT EXISTS aff5c97021e4d8e9a2ea8d4a56be4c1eb3ac3bac`,
	// hashes, counters, sorted sets
	`HSET a balance 100 held 5`, `HINCRBY a balance -30`, `HMGET a balance held none`, `HSET b one 1`, `HGETALL b`, `HDEL a held`, `HLEN a`, `HSETNX a balance 1`, `HEXISTS a none`,
	`HINCRBY a balance x`, `INCR n2`, `INCRBY n2 40`, `SET k v NX`, `SET k v2 NX`, `SET k v3 XX GET`, `SETNX k w`, `GETDEL k`, `EXISTS k a`, `DEL a none`, `TYPE n2`,
	`ZADD z 1790000000 c1 1790000005 c2`, `ZADD z GT 1 c1`, `ZRANGEBYSCORE z -inf 1790000001`, `ZRANGEBYSCORE z -inf (1790000005 LIMIT 0 1`, `ZSCORE z c2`, `ZREM z c1`, `ZCARD z`,
	`SADD s a b`, `SREM s a`, `SMEMBERS s`, `SCARD s`, `SISMEMBER s b`, `LPUSH l 1 2`, `LTRIM l 0 0`, `LRANGE l 0 -1`,
	// streams
	`XADD x 1-1 a 1`, `XADD x 1-2 a 2`, `XADD x 2-1 a 3`, `XADD x 1-1 a 1`, `XADD x 3-* a 4`, `XLEN x`, `XRANGE x - +`, `XRANGE x (1-1 + COUNT 2`, `XREVRANGE x + - COUNT 1`,
	`XREAD COUNT 2 STREAMS x 0`, `XREAD COUNT 2 STREAMS x 1-2`, `XREAD BLOCK 20 STREAMS x $`, `XREAD STREAMS absent 0`, `XTRIM x MINID 1-2`, `XTRIM x MINID = 2-1`, `XRANGE x - +`, `XDEL x 2-1`,
	`EVAL "return redis.call('XADD','x','9-1','cdr',ARGV[1])" 0 {}`,
	// expiry and the rest
	`SET k v EX 100`, `TTL k`, `PERSIST k`, `TTL k`, `EXPIRE absent 5`, `PEXPIRE k 50000`, `SET k v PX 100000`, `PUBLISH ch m`, `WAIT 0 10`, `DBSIZE`, `SCAN 0 MATCH x* COUNT 100`, `PING`, `ECHO hi`,
}

// words splits a command line; a part in double quotes is one word.
func words(line string) (args []any) {
	for i, part := range strings.Split(strings.ReplaceAll(line, `\"`, "\x00"), `"`) {
		part = strings.ReplaceAll(part, "\x00", `"`)
		if i%2 == 1 {
			args = append(args, part)
			continue
		}
		for _, w := range strings.Fields(part) {
			args = append(args, w)
		}
	}
	return args
}

func TestTheEngineAnswersLikeRedis(t *testing.T) {
	real, memory := redistest.Start(t), redistest.Memory(t)
	for _, line := range alike {
		want, errWant := real.Do(t.Context(), words(line)...).Result()
		got, err := memory.Do(t.Context(), words(line)...).Result()
		if !reflect.DeepEqual(got, want) || text(err) != text(errWant) {
			t.Errorf("%s\n  engine %#v, %v\n  redis  %#v, %v", line, got, err, want, errWant)
		}
	}
}

// text is the first word of an error, which is what code looks at; the wording behind it may differ.
func text(err error) string {
	if err == nil || errors.Is(err, redis.Nil) {
		return fmt.Sprint(err)
	}
	first, _, _ := strings.Cut(err.Error(), " ")
	return first
}

func TestTIMEInTheEngineIsTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := redistest.Memory(t)
		for range 3 {
			got, err := c.Eval(t.Context(), "return redis.call('TIME')[1]", nil).Int64()
			if now := time.Now().Unix(); err != nil || got != now {
				t.Errorf("TIME in a script is %d, %v; the clock says %d", got, err, now)
			}
			time.Sleep(time.Hour)
		}
	})
}

func TestABlockedReadInTheEngineWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := redistest.Memory(t)
		began := time.Now()
		time.AfterFunc(3*time.Second, func() { c.XAdd(t.Context(), &redis.XAddArgs{Stream: "s", Values: []string{"k", "v"}}) })
		got, err := c.XRead(t.Context(), &redis.XReadArgs{Streams: []string{"s", "$"}, Block: time.Minute}).Result()
		if err != nil || len(got) != 1 || time.Since(began) != 3*time.Second {
			t.Errorf("read %v, %v after %s", got, err, time.Since(began))
		}
		began = time.Now()
		err = c.XRead(t.Context(), &redis.XReadArgs{Streams: []string{"s", "$"}, Block: 5 * time.Second}).Err()
		if !errors.Is(err, redis.Nil) || time.Since(began) != 5*time.Second {
			t.Errorf("a read without an entry got %v after %s", err, time.Since(began))
		}
	})
}

func TestPublishedMessagesArriveInTheEngine(t *testing.T) {
	c := redistest.Memory(t)
	sub := c.Subscribe(t.Context(), "changes")
	defer sub.Close()
	if _, err := sub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	const messages = 300
	for i := range messages {
		if n, err := c.Publish(t.Context(), "changes", i).Result(); n != 1 || err != nil {
			t.Fatalf("publish reached %d, %v", n, err)
		}
	}
	for i := range messages {
		m, err := sub.ReceiveMessage(t.Context())
		if err != nil || m.Payload != itoa(i) {
			t.Fatalf("message %d is %v, %v", i, m, err)
		}
	}
}

func TestALongPipelineDoesNotLockUp(t *testing.T) {
	c := redistest.Memory(t)
	const commands = 5_000 // many times the buffers of client and server
	cmds, err := c.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for i := range commands {
			p.Set(t.Context(), itoa(i), strings.Repeat("v", 100), 0)
		}
		return nil
	})
	if err != nil || len(cmds) != commands {
		t.Fatalf("%d answers, %v", len(cmds), err)
	}
	big := strings.Repeat("x", 5<<20) // more than a pipe holds
	if err := c.Set(t.Context(), "big", big, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Get(t.Context(), "big").Result(); err != nil || got != big {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestScriptsInTheEngineAreAtomic(t *testing.T) {
	c := redistest.Memory(t)
	script := redis.NewScript(`local n = tonumber(redis.call('GET', KEYS[1]) or '0') redis.call('SET', KEYS[1], n + 1) return n`)
	var callers sync.WaitGroup
	for range 10 {
		callers.Go(func() {
			for range 20 {
				if err := script.Run(t.Context(), c, []string{"n"}).Err(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()
	if n, err := c.Get(t.Context(), "n").Int(); n != 200 || err != nil {
		t.Errorf("n = %d, %v", n, err)
	}
}

func TestEphemeralStoreForgetsEverything(t *testing.T) {
	openEphemeral := func() *embedded.Store {
		s, err := embedded.Open(t.Context(), embedded.Options{Ephemeral: true, Log: testLog(t)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { shut(t, s) })
		return s
	}
	s := openEphemeral()
	if r := s.Report(); !s.Up() || !s.Ephemeral || s.Kind != embedded.Ephemeral || r.Durability != embedded.None || r.Loss == "" {
		t.Errorf("%+v, report %+v", s.State(), r)
	}
	set(t, s, "k", "v")
	client := s.Client
	shut(t, s)
	if err := client.Get(t.Context(), "k").Err(); err == nil {
		t.Error("a closed engine answers")
	}
	if err := openEphemeral().Client.Get(t.Context(), "k").Err(); !errors.Is(err, redis.Nil) {
		t.Errorf("a new engine knows the old key: %v", err)
	}
	if _, err := embedded.Attach(t.Context(), embedded.Options{Ephemeral: true}); !errors.Is(err, embedded.ErrEphemeral) {
		t.Errorf("a tool attached to it: %v", err)
	}
	if _, err := embedded.Open(t.Context(), embedded.Options{Ephemeral: true, Redis: "redis://r1"}); err == nil {
		t.Error("two stores at once were accepted")
	}
}
