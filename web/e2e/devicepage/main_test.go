package devicepage

import (
	"testing"

	"imkey-connect/web/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
