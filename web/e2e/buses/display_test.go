package buses_test

import (
	"bufio"
	"context"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/damage"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"
	"github.com/stretchr/testify/require"

	"imkey-connect/web/e2e/harness"
)

// display is an X server without a screen, and a mouse: for what a browser draws outside of its pages.
type display struct {
	t     *testing.T
	ctx   context.Context
	x     *xgb.Conn
	root  xproto.Window
	size  image.Point
	drawn chan struct{} // has a value when something was drawn since the last receive
}

// newDisplay starts an X server. Programs that the test starts from now on open their windows there.
func newDisplay(t *testing.T) *display {
	ctx, stop := context.WithTimeout(t.Context(), harness.Timeout/2)
	t.Cleanup(stop)
	server := exec.Command("Xvfb", "-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp")
	out, err := server.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, server.Start(), "make tools installs Xvfb on Debian")
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	number, err := bufio.NewReader(out).ReadString('\n') // written once the server accepts connections
	require.NoError(t, err)
	name := ":" + strings.TrimSpace(number)
	t.Setenv("DISPLAY", name)
	t.Setenv("WAYLAND_DISPLAY", "")

	xgb.Logger.SetOutput(io.Discard) // it reports missing files that are not needed
	d := &display{t: t, ctx: ctx, drawn: make(chan struct{}, 1)}
	d.x, err = xgb.NewConnDisplay(name)
	require.NoError(t, err)
	t.Cleanup(d.x.Close)
	screen := xproto.Setup(d.x).DefaultScreen(d.x)
	d.root, d.size = screen.Root, image.Pt(int(screen.WidthInPixels), int(screen.HeightInPixels))
	require.NoError(t, xtest.Init(d.x))
	require.NoError(t, damage.Init(d.x))
	_, err = damage.QueryVersion(d.x, 1, 1).Reply()
	require.NoError(t, err)
	id, err := damage.NewDamageId(d.x)
	require.NoError(t, err)
	require.NoError(t, damage.CreateChecked(d.x, id, xproto.Drawable(d.root), damage.ReportLevelNonEmpty).Check())
	go func() {
		for {
			event, err := d.x.WaitForEvent()
			if event == nil && err == nil {
				return // closed
			}
			if _, ok := event.(damage.NotifyEvent); ok {
				damage.Subtract(d.x, id, 0, 0) // report the next one
				select {
				case d.drawn <- struct{}{}:
				default:
				}
			}
		}
	}()
	return d
}

// picture returns what is on the display now.
func (d *display) picture() *image.RGBA {
	d.t.Helper()
	reply, err := xproto.GetImage(d.x, xproto.ImageFormatZPixmap, xproto.Drawable(d.root), 0, 0, uint16(d.size.X), uint16(d.size.Y), ^uint32(0)).Reply()
	require.NoError(d.t, err)
	seen := image.NewRGBA(image.Rectangle{Max: d.size})
	require.Len(d.t, reply.Data, len(seen.Pix))
	for i := 0; i < len(reply.Data); i += 4 { // blue, green, red, nothing
		seen.Pix[i], seen.Pix[i+1], seen.Pix[i+2], seen.Pix[i+3] = reply.Data[i+2], reply.Data[i+1], reply.Data[i], 255
	}
	return seen
}

// until waits until the display satisfies ok, and says whether it does before limit. Without a limit, the test fails otherwise and
// leaves a picture.
func (d *display) until(what string, limit <-chan time.Time, ok func(*image.RGBA) bool) bool {
	d.t.Helper()
	for {
		seen := d.picture()
		if ok(seen) {
			return true
		}
		select {
		case <-d.drawn:
		case <-limit:
			return false
		case <-d.ctx.Done():
			picture, err := os.CreateTemp("", "imkey-display-*.png")
			require.NoError(d.t, err)
			require.NoError(d.t, png.Encode(picture, seen))
			require.NoError(d.t, picture.Close())
			require.Failf(d.t, "the display never showed it", "%s; what it shows is in %s", what, picture.Name())
		}
	}
}

// click presses and releases the mouse's left button at a place.
func (d *display) click(at image.Point) {
	d.t.Helper()
	for _, event := range []struct{ kind, detail byte }{{xproto.MotionNotify, 0}, {xproto.ButtonPress, 1}, {xproto.ButtonRelease, 1}} {
		require.NoError(d.t, xtest.FakeInputChecked(d.x, event.kind, event.detail, 0, d.root, int16(at.X), int16(at.Y), 0).Check())
	}
}

// box finds a frame of one dark colour, at least this large, with light inside it: a list of a dialog. Nothing in our pages
// has one.
func box(seen *image.RGBA, least image.Point) (image.Rectangle, bool) {
	type run struct{ from, to int }
	tops := map[run]int{}
	for y := range seen.Rect.Max.Y {
		for x := 0; x < seen.Rect.Max.X; {
			from, c := x, seen.RGBAAt(x, y)
			for x++; x < seen.Rect.Max.X && seen.RGBAAt(x, y) == c; x++ {
			}
			if x-from < least.X || light(c) {
				continue
			}
			r := run{from, x}
			if top, ok := tops[r]; ok && y-top >= least.Y && light(seen.RGBAAt(x-2, y-1)) && column(seen, from, top, y, c) && column(seen, x-1, top, y, c) {
				return image.Rect(from, top, x, y+1), true
			} else if !ok || y-top > 1 {
				tops[r] = y
			}
		}
	}
	return image.Rectangle{}, false
}

func column(seen *image.RGBA, x, from, to int, c color.RGBA) bool {
	for y := from; y <= to; y++ {
		if seen.RGBAAt(x, y) != c {
			return false
		}
	}
	return true
}

func light(c color.RGBA) bool { return int(c.R)+int(c.G)+int(c.B) > 3*180 }

// written reports whether a place has dark pixels, such as letters.
func written(seen *image.RGBA, in image.Rectangle) bool {
	for y := in.Min.Y; y < in.Max.Y; y++ {
		for x := in.Min.X; x < in.Max.X; x++ {
			if !light(seen.RGBAAt(x, y)) {
				return true
			}
		}
	}
	return false
}
