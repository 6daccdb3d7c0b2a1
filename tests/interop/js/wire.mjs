// A node's wire frames over libp2p: version, verack, and one block.
import { createHash } from 'node:crypto'
import { multiaddr } from '@multiformats/multiaddr'

const BLOCK_WITH_WITNESS = 0x40000002

function doubleHash (data) {
  return createHash('sha256').update(createHash('sha256').update(data).digest()).digest()
}

function frame (magic, command, payload = Buffer.alloc(0)) {
  const header = Buffer.alloc(24)
  magic.copy(header)
  header.write(command, 4, 'ascii')
  header.writeUInt32LE(payload.length, 16)
  doubleHash(payload).copy(header, 20, 0, 4)
  return Buffer.concat([header, payload])
}

function versionPayload () {
  const payload = Buffer.alloc(80)
  payload.writeUInt32LE(70016, 0)
  payload.writeBigUInt64LE(BigInt(Math.floor(Date.now() / 1000)), 12)
  payload.writeBigUInt64LE(process.hrtime.bigint(), 72)
  const agent = Buffer.from('/interop-js:1/')
  return Buffer.concat([payload, Buffer.from([agent.length]), agent, Buffer.alloc(5)])
}

async function * frames (stream, magic) {
  let buffer = Buffer.alloc(0)
  for await (const part of stream) {
    buffer = Buffer.concat([buffer, part.subarray()])
    while (buffer.length >= 24) {
      if (!buffer.subarray(0, 4).equals(magic)) throw new Error('another magic')
      const end = 24 + buffer.readUInt32LE(16)
      if (buffer.length < end) break
      const payload = buffer.subarray(24, end)
      if (!doubleHash(payload).subarray(0, 4).equals(buffer.subarray(20, 24))) throw new Error('another checksum')
      yield [buffer.toString('ascii', 4, 16).replaceAll('\0', ''), payload]
      buffer = buffer.subarray(end)
    }
  }
}

export async function fetchBlock (node, address, protocol, magicHex, hashHex) {
  const magic = Buffer.from(magicHex, 'hex')
  const stream = await node.dialProtocol(multiaddr(address), protocol)
  stream.send(frame(magic, 'version', versionPayload()))
  for await (const [command, payload] of frames(stream, magic)) {
    if (command === 'version') stream.send(frame(magic, 'verack'))
    if (command === 'ping') stream.send(frame(magic, 'pong', payload))
    if (command === 'notfound') throw new Error('the node does not have the block')
    if (command === 'verack') {
      const request = Buffer.alloc(37)
      request.writeUInt8(1, 0)
      request.writeUInt32LE(BLOCK_WITH_WITNESS, 1)
      Buffer.from(hashHex, 'hex').reverse().copy(request, 5)
      stream.send(frame(magic, 'getdata', request))
    }
    if (command === 'block') {
      return `BLOCK ${payload.length} ${doubleHash(payload.subarray(0, 80)).reverse().toString('hex')}`
    }
  }
  throw new Error('the node closed the stream')
}
