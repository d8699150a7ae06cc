package harness

import (
	"context"
	"errors"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// alive returns a context that ends with the page's process, unless [Browser.Kill] ended that. The browser answers no call for such a page.
func (b *Browser) alive() (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(b.Ctx)
	if b.killed.Load() {
		return ctx, func() { end(nil) }
	}
	go func() {
		select {
		case <-b.crashed:
			end(errors.New("the page's process crashed"))
		case <-ctx.Done():
		}
	}()
	return ctx, func() { end(nil) }
}

// because returns an error, or why the context ended if that made it.
func because(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// Kill ends the process of the page and waits until it has ended.
func (b *Browser) Kill() {
	b.T.Helper()
	b.killed.Store(true)
	go chromedp.Do(b.Ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.Crash, cdp.Empty{})
		return err
	}))
	select {
	case <-b.crashed:
	case <-b.Sim.Ctx.Done():
		require.Fail(b.T, "the process of the page does not end")
	}
}

// Freeze freezes the page of the tab, as the browser does with one in the background.
func (b *Browser) Freeze() { b.setLifecycle(page.SetWebLifecycleStateStateFrozen) }

// Wake makes a frozen page active again.
func (b *Browser) Wake() { b.setLifecycle(page.SetWebLifecycleStateStateActive) }

func (b *Browser) setLifecycle(state page.SetWebLifecycleStateState) {
	b.T.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.SetWebLifecycleState, page.SetWebLifecycleStateParams{State: state})
		return err
	}))
}
