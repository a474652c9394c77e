package embedded

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// directives are what judge wants to know. They are asked for one by one: more at once needs Redis 7.
var directives = []string{"appendonly", "appendfsync", "maxmemory-policy", "save", "no-appendfsync-on-rewrite"}

// infoSections are asked for one by one for the same reason.
var infoSections = []string{"server", "replication", "persistence", "memory"}

// inspect asks the store, on a cluster each master, for the facts. An error means that it is not reachable at this moment.
func inspect(ctx context.Context, c redis.UniversalClient, m mode) ([]facts, error) {
	switch c := c.(type) {
	case *redis.ClusterClient:
		return inspectCluster(ctx, c)
	case *redis.Client:
		f, err := inspectServer(ctx, c)
		f.reached = m
		return []facts{f}, err
	}
	return nil, fmt.Errorf("inspect: unexpected client %T", c)
}

func inspectCluster(ctx context.Context, c *redis.ClusterClient) ([]facts, error) {
	info, err := c.ClusterInfo(ctx).Result()
	if err != nil && !refused(err) {
		return nil, err
	}
	// cluster_state ok says that every slot has a master, so each master found now is one that money lies on.
	if state := parseInfo(info)["cluster_state"]; err == nil && state != "ok" {
		return nil, fmt.Errorf("cluster_state is %s: not every slot is served", state)
	}
	var (
		mu    sync.Mutex
		nodes []facts
	)
	err = c.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		f, err := inspectServer(ctx, node)
		f.addr, f.reached = node.Options().Addr, cluster
		mu.Lock()
		defer mu.Unlock()
		nodes = append(nodes, f)
		return err
	})
	if err == nil && len(nodes) == 0 {
		err = errors.New("the cluster names no master")
	}
	return nodes, err
}

func inspectServer(ctx context.Context, c *redis.Client) (f facts, err error) {
	for _, section := range infoSections {
		text, err := c.Info(ctx, section).Result()
		if refused(err) {
			f.info = nil
			break
		}
		if err != nil {
			return f, err
		}
		f.info = merge(f.info, parseInfo(text))
	}
	for _, name := range directives {
		values, err := c.ConfigGet(ctx, name).Result()
		if refused(err) {
			f.config = nil
			break
		}
		if err != nil {
			return f, err
		}
		f.config = merge(f.config, values)
	}
	return f, nil
}

func merge(into, from map[string]string) map[string]string {
	if into == nil {
		into = make(map[string]string)
	}
	for k, v := range from {
		into[k] = v
	}
	return into
}

// refused tells that the server understood and does not let us (NOPERM), or does not know the command (managed services
// rename CONFIG away), as opposed to being out of reach, loading, or asking for a password.
func refused(err error) bool {
	var reply redis.Error
	if err == nil || !errors.As(err, &reply) || errors.Is(err, redis.Nil) {
		return false
	}
	return strings.HasPrefix(reply.Error(), "NOPERM ") || strings.HasPrefix(reply.Error(), "ERR ")
}

// rejected tells that the server wants another user or password. Waiting does not mend that.
func rejected(err error) bool {
	return redis.HasErrorPrefix(err, "WRONGPASS") || redis.HasErrorPrefix(err, "NOAUTH")
}
