package redistest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	clusterNodes      = 3
	clusterSlots      = 16384
	clusterReadyLimit = 30 * time.Second
	// nodeTimeout is when a node counts as failed; long enough that a busy test machine does not lose one by mistake.
	nodeTimeout = 5 * time.Second
)

// Cluster is a Redis Cluster of three masters without replicas.
type Cluster struct {
	Nodes []*Server

	t testing.TB
}

// StartCluster runs three masters on loopback, waits until all slots are served, and returns a client.
func StartCluster(t testing.TB) *redis.ClusterClient {
	t.Helper()
	return NewCluster(t).Client()
}

// NewCluster runs three masters on loopback and waits until each of them sees all slots served.
func NewCluster(t testing.TB, opts ...Option) *Cluster {
	t.Helper()
	opts = append([]Option{
		TCP(), Config("cluster-enabled", "yes"), Config("cluster-config-file", "nodes.conf"),
		Config("cluster-node-timeout", strconv.FormatInt(nodeTimeout.Milliseconds(), 10)),
	}, opts...)
	c := &Cluster{t: t}
	for range clusterNodes {
		c.Nodes = append(c.Nodes, StartServer(t, opts...))
	}
	if err := c.join(); err != nil {
		t.Fatal(err)
	}
	return c
}

// Client returns a new client, closed when the test ends.
func (c *Cluster) Client() *redis.ClusterClient {
	o := c.Nodes[0].Options()
	rdb := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: c.Addrs(), DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout,
		Protocol: o.Protocol, DialerRetries: 1, ContextTimeoutEnabled: true, DisableIdentity: true, MaintNotificationsConfig: o.MaintNotificationsConfig,
	})
	c.t.Cleanup(func() { rdb.Close() })
	return rdb
}

// Addrs are the host:port of all nodes.
func (c *Cluster) Addrs() []string {
	var addrs []string
	for _, n := range c.Nodes {
		addrs = append(addrs, n.Addr)
	}
	return addrs
}

// URL is the address in the form that store.redis takes.
func (c *Cluster) URL() string { return "redis+cluster://" + strings.Join(c.Addrs(), ",") }

// join gives each node its share of the slots and introduces the nodes to each other.
func (c *Cluster) join() error {
	ctx, cancel := context.WithTimeout(context.Background(), clusterReadyLimit)
	defer cancel()
	for i, n := range c.Nodes {
		rdb := n.Client()
		from, to := i*clusterSlots/clusterNodes, (i+1)*clusterSlots/clusterNodes-1
		err := errors.Join(
			rdb.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err(), // distinct epochs: no vote is needed later
			rdb.ClusterAddSlotsRange(ctx, from, to).Err(),
		)
		if err != nil {
			return fmt.Errorf("cluster node %d: %w", i, err)
		}
	}
	for i, n := range c.Nodes {
		rdb := n.Client()
		for _, peer := range c.Nodes[i+1:] { // each to each: waiting for gossip would take seconds
			host, port, _ := strings.Cut(peer.Addr, ":")
			if err := rdb.ClusterMeet(ctx, host, port).Err(); err != nil {
				return fmt.Errorf("cluster node %d: %w", i, err)
			}
		}
	}
	for i, n := range c.Nodes {
		rdb := n.Client()
		err := eventually(clusterReadyLimit, func(ctx context.Context) error { return clusterReady(ctx, rdb) })
		if err != nil {
			return fmt.Errorf("cluster node %d: %w; its log:\n%s", i, err, n.Log())
		}
	}
	return nil
}

func clusterReady(ctx context.Context, rdb *redis.Client) error {
	info, err := rdb.ClusterInfo(ctx).Result()
	if err != nil {
		return err
	}
	for _, want := range []string{"cluster_state:ok", "cluster_slots_ok:16384", "cluster_known_nodes:3", "cluster_size:3"} {
		if !strings.Contains(info, want+"\r\n") {
			return fmt.Errorf("cluster is not ready: no %s in\n%s", want, info)
		}
	}
	return nil
}
