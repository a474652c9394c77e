package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

func privateAddress(folder string) address {
	return address{socket: filepath.Join(folder, socketName), private: true}
}

// controlClient is a client of the private server for its supervisor: nothing repeated.
func controlClient(folder string) *redis.Client {
	o := commonOptions()
	o.Addrs, o.Dialer = []string{privateAddress(folder).socket}, dialSocket
	o.MaxRetries, o.PipelinePoolSize = -1, -1
	return redis.NewClient(o.Simple())
}

// ping asks the server for an answer. The socket is dialled first, because go-redis logs each dial that fails.
func ping(ctx context.Context, c *redis.Client) error {
	conn, err := dialSocket(ctx, "unix", c.Options().Addr)
	if err != nil {
		return err
	}
	conn.Close()
	return c.Ping(ctx).Err()
}

// answered tells whether a server is there, were it only to say that it is loading or wants a password.
func answered(err error) bool {
	var reply redis.Error
	return err == nil || errors.As(err, &reply)
}

// await waits until the server answers and has read its append-only file. Of a server that says nothing at all for
// answerLimit it gives up; the caller then kills it.
func (p *private) await(ctx context.Context, proc *process) error {
	c := controlClient(p.folder)
	defer c.Close()
	began := time.Now()
	heard, told := began, began
	for {
		err := ping(ctx, c)
		if err == nil {
			return nil
		}
		now := time.Now()
		if redis.HasErrorPrefix(err, "LOADING") {
			heard = now
			if now.Sub(told) >= progressEvery {
				told = now
				p.tellProgress(ctx, c)
			}
		}
		switch {
		case now.Sub(heard) > answerLimit:
			return fmt.Errorf("redis-server %d has not answered for %s: %w; its last words: %s", proc.pid, answerLimit, err, lastWords(p.folder))
		case now.Sub(began) > loadLimit:
			return fmt.Errorf("redis-server %d has not read its append-only file within %s", proc.pid, loadLimit)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-proc.exited:
			return fmt.Errorf("redis-server ended at once: %w; its last words: %s", orClean(proc.err), lastWords(p.folder))
		case <-time.After(readyPoll):
		}
	}
}

func (p *private) tellProgress(ctx context.Context, c *redis.Client) {
	text, err := c.Info(ctx, "persistence").Result()
	if err != nil {
		return
	}
	info := parseInfo(text)
	p.log.Info("the private store reads its append-only file",
		"percent", info["loading_loaded_perc"], "seconds_left", info["loading_eta_seconds"])
}

// verify checks that the server which answers is the process pid in our folder, and that it still has our policy; where
// somebody changed that it is set back. pid 0 is not compared.
func verify(ctx context.Context, folder string, pid int, log *slog.Logger) error {
	c := controlClient(folder)
	defer c.Close()
	if err := verifyOurs(ctx, c, folder, pid); err != nil {
		return err
	}
	for _, want := range policy {
		got, err := c.ConfigGet(ctx, want.directive).Result()
		if err != nil {
			return fmt.Errorf("policy of the private store: %w", err)
		}
		if got[want.directive] == want.value {
			continue
		}
		log.Warn("the private store has a setting that is not ours; it is set back",
			"directive", want.directive, "found", got[want.directive], "set", want.value)
		if err := c.ConfigSet(ctx, want.directive, want.value).Err(); err != nil {
			return fmt.Errorf("policy of the private store: set %s to %s: %w", want.directive, want.value, err)
		}
		if want.directive == "appendonly" {
			return awaitRewrite(ctx, c, folder)
		}
	}
	return nil
}

func verifyOurs(ctx context.Context, c *redis.Client, folder string, pid int) error {
	dir, err := c.ConfigGet(ctx, "dir").Result()
	if err != nil {
		return fmt.Errorf("folder of the private store: %w", err)
	}
	text, err := c.Info(ctx, "server").Result()
	if err != nil {
		return fmt.Errorf("version of the private store: %w", err)
	}
	info := parseInfo(text)
	theirs, err1 := os.Stat(dir["dir"])
	ours, err2 := os.Stat(folder)
	if err := errors.Join(err1, err2); err != nil || !os.SameFile(theirs, ours) {
		return errors.Join(fmt.Errorf("%w: its data lies in %q, not in %s", errForeign, dir["dir"], folder), err)
	}
	if pid != 0 && info["process_id"] != strconv.Itoa(pid) {
		return fmt.Errorf("the private store is process %s, not %d", info["process_id"], pid)
	}
	return versionOf(info).check()
}

// awaitRewrite waits for the first append-only file of a server whose appendonly had been switched off: until it is
// written, nothing is on disk.
func awaitRewrite(ctx context.Context, c *redis.Client, folder string) error {
	ctx, cancel := context.WithTimeout(ctx, loadLimit)
	defer cancel()
	for {
		text, err := c.Info(ctx, "persistence").Result()
		if err != nil {
			return fmt.Errorf("append-only file of the private store: %w", err)
		}
		info := parseInfo(text)
		if info["aof_rewrite_in_progress"] == "0" && info["aof_rewrite_scheduled"] == "0" {
			if status := info["aof_last_bgrewrite_status"]; status != "ok" {
				return fmt.Errorf("append-only file of the private store: it cannot be written (%s); its last words: %s", status, lastWords(folder))
			}
			return nil
		}
		if !sleep(ctx, readyPoll) {
			return fmt.Errorf("append-only file of the private store: %w", ctx.Err())
		}
	}
}

// shutdown asks the server to write everything and end.
func shutdown(ctx context.Context, folder string) error {
	c := controlClient(folder)
	defer c.Close()
	if err := ping(ctx, c); err != nil && !redis.HasErrorPrefix(err, "LOADING") {
		return err
	}
	err := c.Shutdown(ctx).Err()
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return err
}
