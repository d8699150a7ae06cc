import { say, type Text } from './text'

export const common = {
  language: say('Language', '语言'),
  simulated: say('Simulated device', '模拟设备'),
  simulatedNote: say('Holds no money.', '不能存放资产。'),
  openDevicePage: say('Open the device', '打开设备'),
  openConnectPage: say('Open the connect page', '打开连接页面'),
} satisfies Record<string, Text>
