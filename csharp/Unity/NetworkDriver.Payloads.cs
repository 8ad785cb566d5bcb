#if UNITY_5_3_OR_NEWER
using Unity.Collections;

namespace NetDriver
{
    // What Unity Transport has in NativeArrays; PayloadExtensions has the methods with byte[].

    public unsafe partial struct NetworkDriver
    {
        /// <summary>Takes the oldest connection that came from outside.</summary>
        /// <param name="payload">What the client gave to Connect, in temporary memory; may have no
        /// bytes.</param>
        /// <returns>The connection; the default value when none waits.</returns>
        public NetworkConnection Accept(out NativeArray<byte> payload)
        {
            NetworkConnection connection = Accept();
            payload = connection.IsCreated
                ? Temporary(GetConnectPayload(connection)) : default(NativeArray<byte>);
            return connection;
        }

        /// <summary>
        /// Connects to an address, in the UTP dialect. The connection is Connecting at once; a
        /// Connect or Disconnect event follows.
        /// </summary>
        /// <param name="endpoint">The server.</param>
        /// <param name="payload">Bytes for the server with the request; the default value for none.
        /// When they are too long there is no connection.</param>
        /// <returns>The connection; the default value when that is impossible, and
        /// <see cref="NetDriverLibrary.LastError"/> says why.</returns>
        public NetworkConnection Connect(
            NetworkEndpoint endpoint, NativeArray<byte> payload = default(NativeArray<byte>))
        {
            return Connect(0, endpoint, Bytes(payload));
        }

        /// <summary>
        /// Connects to a host by name, in the UTP dialect. The name is looked up in the background;
        /// when it has no address, a Disconnect event with
        /// <see cref="Error.DisconnectReason.HostNotFound"/> follows.
        /// </summary>
        /// <param name="address">A name, or an address as text.</param>
        /// <param name="port">The port.</param>
        /// <param name="payload">Bytes for the server with the request.</param>
        /// <returns>The connection; the default value when that is impossible.</returns>
        public NetworkConnection Connect(
            string address, ushort port, NativeArray<byte> payload = default(NativeArray<byte>))
        {
            return Connect(0, address, port, Bytes(payload));
        }

        /// <summary>
        /// Sets the bytes that every client gets with the answer to its request (UTP dialect): the
        /// reader of its Connect event.
        /// </summary>
        /// <param name="payload">The bytes, copied; the default value for none.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int SetAcceptPayload(NativeArray<byte> payload)
        {
            return SetAcceptBytes(Bytes(payload));
        }

        /// <summary>Bytes in temporary memory; none are no array.</summary>
        internal static NativeArray<byte> Temporary(byte[] bytes)
        {
            return bytes.Length == 0 ? default(NativeArray<byte>)
                : new NativeArray<byte>(bytes, Allocator.Temp);
        }

        /// <summary>What a NativeArray holds.</summary>
        internal static byte[] Bytes(NativeArray<byte> payload)
        {
            return payload.IsCreated ? payload.ToArray() : null;
        }
    }

    public unsafe partial struct MultiNetworkDriver
    {
        /// <summary>Takes the oldest connection that came from outside, of the first driver that
        /// has one.</summary>
        /// <param name="payload">What the client gave to Connect, in temporary memory; may have no
        /// bytes.</param>
        /// <returns>The connection; the default value when none waits.</returns>
        public NetworkConnection Accept(out NativeArray<byte> payload)
        {
            NetworkConnection connection = Accept();
            payload = connection.IsCreated
                ? NetworkDriver.Temporary(Of(connection).GetConnectPayload(connection))
                : default(NativeArray<byte>);
            return connection;
        }

        /// <summary>Connects over the first interface of a driver.</summary>
        /// <param name="driverId">The driver's number.</param>
        /// <param name="endpoint">The server.</param>
        /// <param name="payload">Bytes for the server with the request.</param>
        /// <returns>The connection; the default value when that is impossible.</returns>
        /// <exception cref="System.ArgumentException">There is no such driver.</exception>
        public NetworkConnection Connect(
            int driverId, NetworkEndpoint endpoint,
            NativeArray<byte> payload = default(NativeArray<byte>))
        {
            return GetDriver(driverId).Connect(endpoint, payload);
        }

        /// <summary>Connects to a host by name or address, over the first interface of a driver.
        /// </summary>
        /// <param name="driverId">The driver's number.</param>
        /// <param name="address">The host.</param>
        /// <param name="port">Its port.</param>
        /// <param name="payload">Bytes for the server with the request.</param>
        /// <returns>The connection; the default value when that is impossible.</returns>
        /// <exception cref="System.ArgumentException">There is no such driver.</exception>
        public NetworkConnection Connect(
            int driverId, string address, ushort port,
            NativeArray<byte> payload = default(NativeArray<byte>))
        {
            return GetDriver(driverId).Connect(address, port, payload);
        }
    }

    public partial struct NetworkSettings
    {
        /// <summary>Settings that are all defaults. They are managed memory here: the allocator is
        /// for source code that was written for Unity Transport.</summary>
        /// <param name="allocator">Not used.</param>
        public NetworkSettings(Allocator allocator)
            : this()
        {
        }
    }
}
#endif
