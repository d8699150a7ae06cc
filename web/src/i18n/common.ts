import { say, type Text } from './text'

export const common = {
  language: say('Language', '语言'),
  simulated: say('Simulated device', '模拟设备'),
  simulatedNote: say(
    'This page is talking to a simulator. Nothing here can hold money.',
    '本页面连接的是模拟器，不能存放任何资产。',
  ),
  openDevicePage: say('Open the device', '打开设备'),
  screenOf: say('Screen of the imKey', 'imKey 屏幕'),
} satisfies Record<string, Text>
