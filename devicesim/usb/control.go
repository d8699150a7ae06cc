package usb

import "encoding/binary"

// Standard requests (USB 2.0 table 9-4) and HID's (HID 1.11 section 7.2).
const (
	reqGetStatus        = 0
	reqClearFeature     = 1
	reqSetFeature       = 3
	reqSetAddress       = 5
	reqGetDescriptor    = 6
	reqGetConfiguration = 8
	reqSetConfiguration = 9
	reqGetInterface     = 10
	reqSetInterface     = 11

	hidGetIdle     = 2
	hidGetProtocol = 3
	hidSetIdle     = 10
	hidSetProtocol = 11
)

// control answers one control request. The device stalls a request that it does not know. mu is held.
func (p *Port) control(setup [8]byte) ([]byte, error) {
	value := binary.LittleEndian.Uint16(setup[2:])
	index := binary.LittleEndian.Uint16(setup[4:])
	switch setup[0] {
	case 0x80:
		return p.deviceIn(setup[1], value)
	case 0x00:
		return nil, p.deviceOut(setup[1], value)
	case 0x81:
		return p.interfaceIn(setup[1], value, index)
	case 0x01:
		return nil, p.setInterface(setup[1], value, index)
	case 0x82:
		return p.endpointIn(setup[1], index)
	case 0x02:
		return nil, p.endpointOut(setup[1], value, index)
	case 0xA1, 0x21:
		return hidRequest(setup[0], setup[1], index)
	case 0xC0:
		if setup[1] == WebUSBVendorCode && index == webUSBGetURL && value == landingPageIndex {
			return orStall(p.descriptors.LandingPage)
		}
	}
	return nil, ErrStall
}

func orStall(b []byte) ([]byte, error) {
	if b == nil {
		return nil, ErrStall
	}
	return b, nil
}

func (p *Port) deviceIn(request byte, value uint16) ([]byte, error) {
	switch request {
	case reqGetStatus:
		return []byte{0, 0}, nil // bus powered, no remote wake-up
	case reqGetConfiguration:
		if p.configured {
			return []byte{configurationValue}, nil
		}
		return []byte{0}, nil
	case reqGetDescriptor:
		d, i := p.descriptors, int(value&0xFF)
		switch value >> 8 {
		case descDevice:
			return d.Device, nil
		case descConfiguration:
			if i == 0 {
				return d.Configuration, nil
			}
		case descString:
			if i < len(d.Strings) {
				return d.Strings[i], nil
			}
		case descBOS:
			return orStall(d.BOS)
		}
	}
	return nil, ErrStall
}

func (p *Port) deviceOut(request byte, value uint16) error {
	switch {
	case request == reqSetAddress: // the host controller handles addresses
		return nil
	case request == reqSetConfiguration && value == configurationValue:
		p.stopFunction(ErrUnlinked)
		p.startFunction()
		return nil
	case request == reqSetConfiguration && value == 0:
		p.stopFunction(ErrUnlinked)
		return nil
	}
	return ErrStall
}

func (p *Port) interfaceIn(request byte, value, index uint16) ([]byte, error) {
	if index > HIDInterface || !p.configured {
		return nil, ErrStall
	}
	switch {
	case request == reqGetStatus:
		return []byte{0, 0}, nil
	case request == reqGetInterface:
		return []byte{p.alternate[index]}, nil
	case request == reqGetDescriptor && index == HIDInterface && value == descReport<<8:
		return p.descriptors.HIDReport, nil
	case request == reqGetDescriptor && index == HIDInterface && value == descHID<<8:
		c := p.descriptors.Configuration
		return c[len(c)-7-7-9 : len(c)-7-7], nil // it stands before the two HID endpoints
	}
	return nil, ErrStall
}

// setInterface accepts alternate setting 0, which is the only one.
func (p *Port) setInterface(request byte, value, index uint16) error {
	if request != reqSetInterface || index > HIDInterface || value != 0 || !p.configured {
		return ErrStall
	}
	for e := range p.halted {
		if vendor := e == EndpointIn || e == EndpointOut; vendor == (index == VendorInterface) {
			delete(p.halted, e)
		}
	}
	p.pump(EndpointIn)
	return nil
}

func (p *Port) endpointIn(request byte, index uint16) ([]byte, error) {
	e := byte(index)
	if request != reqGetStatus || !p.endpoint(index) && e&0x7F != 0 {
		return nil, ErrStall
	}
	if p.halted[e] {
		return []byte{1, 0}, nil
	}
	return []byte{0, 0}, nil
}

func (p *Port) endpointOut(request byte, value, index uint16) error {
	const endpointHalt = 0
	if value != endpointHalt || !p.endpoint(index) {
		return ErrStall
	}
	switch request {
	case reqClearFeature:
		delete(p.halted, byte(index))
		p.pump(byte(index))
		return nil
	case reqSetFeature:
		p.halt(byte(index))
		return nil
	}
	return ErrStall
}

func (p *Port) endpoint(index uint16) bool {
	return p.configured && index < 0x100 && knownEndpoint(byte(index))
}

func knownEndpoint(e byte) bool {
	return e == EndpointIn || e == EndpointOut || e == EndpointHIDIn || e == EndpointHIDOut
}

// hidRequest answers what a HID driver requests when it takes the interface. There are no reports to get or set.
func hidRequest(requestType, request byte, index uint16) ([]byte, error) {
	switch {
	case index != HIDInterface:
	case requestType == 0x21 && (request == hidSetIdle || request == hidSetProtocol):
		return nil, nil
	case requestType == 0xA1 && request == hidGetIdle:
		return []byte{0}, nil
	case requestType == 0xA1 && request == hidGetProtocol:
		return []byte{1}, nil // the report protocol
	}
	return nil, ErrStall
}
