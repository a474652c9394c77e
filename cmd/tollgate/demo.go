package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"
)

func demoCommand() *cobra.Command {
	var calls int
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch real calls being billed, refused and cut, in a world of its own",
		Long: "Starts a controller with a private store in a temporary folder, two simulated carriers and a few phones, all talking real SIP\n" +
			"over UDP on loopback, and shows their calls: a normal one, a refused one, one that is cut at its last paid second, a trunk\n" +
			"failover, an emergency call without money, a recharge in mid-call, several calls on one balance. Nothing is installed and\n" +
			"nothing is left behind. Ctrl-C ends it.\n\n" +
			"With --calls it stops after so many, and proves the money: in the last line, answered counts calls that talked and were not\n" +
			"cut. Exit code 0 only if ledger, call records and the carriers' own record agree.",
		Example: "  tollgate demo\n  tollgate demo --calls 7",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if calls < 0 || calls > mostDemoCalls {
				return fmt.Errorf("--calls %d: must be 1 to %d, or left out to go on until Ctrl-C", calls, mostDemoCalls)
			}
			return demo(cmd.Context(), calls, cmd.OutOrStdout())
		},
	}
	cmd.Flags().IntVar(&calls, "calls", 0, "stop after that many calls; 0: go on until Ctrl-C")
	return cmd
}

const (
	mostDemoCalls = 10_000
	sceneEvery    = 900 * time.Millisecond // a new call begins
	redrawEvery   = 200 * time.Millisecond
	worldEnds     = 15 * time.Second // everything of the demo has stopped by then
)

// demo opens the world, plays the scenes, and proves the money.
func demo(ctx context.Context, calls int, out io.Writer) (err error) {
	removeDeadDemos()
	dir, logFile, err := demoFolder()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	defer logFile.Close()
	log := slog.New(slog.NewTextHandler(logFile, nil))
	w, err := openWorld(ctx, dir, log)
	if err != nil {
		return err
	}
	w.introduce(out)
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- w.app.run(running) }()
	defer func() {
		stop()
		err = errors.Join(err, <-ended)
		w.close()
	}()
	b := &board{out: out, live: terminal(out), width: func() int { return terminalWidth(out) }}
	if !b.live {
		fmt.Fprintln(out, header())
	}
	played := w.play(ctx, calls, b)
	proof, err := w.prove(context.WithoutCancel(ctx), played)
	if err != nil {
		return err
	}
	proof.print(out)
	if !proof.reconciled() {
		return exit{code: 1}
	}
	return nil
}

// play begins one scene after the other until there were enough or ctx ends, and waits for all of them.
func (w *world) play(ctx context.Context, calls int, b *board) []played {
	var (
		mu     sync.Mutex
		list   []played
		scenes sync.WaitGroup
	)
	drawing, stop := context.WithCancel(context.Background())
	var drawn sync.WaitGroup
	drawn.Go(func() {
		for drawing.Err() == nil {
			b.draw()
			pause(drawing, redrawEvery)
		}
		b.draw()
	})
	for n := 0; (calls == 0 || n < calls) && ctx.Err() == nil; n++ {
		scenes.Go(func() {
			p := w.act(ctx, sceneNumber(n), b)
			mu.Lock()
			defer mu.Unlock()
			list = append(list, p)
		})
		pause(ctx, sceneEvery)
	}
	scenes.Wait()
	stop()
	drawn.Wait()
	return list
}
