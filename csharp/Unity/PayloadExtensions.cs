#if UNITY_5_3_OR_NEWER
namespace NetDriver
{
    /// <summary>
    /// Payloads as <c>byte[]</c>. They are extensions inside Unity, so that <c>default</c> means
    /// the NativeArray of the methods.
    /// </summary>
    public static class PayloadExtensions
    {
        /// <summary>Sets what clients get with the acceptance.</summary>
        /// <param name="driver">The driver.</param>
        /// <param name="payload">The bytes, copied; null or empty for none.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public static int SetAcceptPayload(this NetworkDriver driver, byte[] payload)
        {
            return driver.SetAcceptBytes(payload);
        }

        /// <summary>Connects over the first interface.</summary>
        /// <param name="driver">The driver.</param>
        /// <param name="endpoint">The server.</param>
        /// <param name="payload">Bytes for the server with the request; null for none.</param>
        /// <returns>The connection; the default value when that is impossible.</returns>
        public static NetworkConnection Connect(
            this NetworkDriver driver, NetworkEndpoint endpoint, byte[] payload)
        {
            return driver.Connect(0, endpoint, payload);
        }

        /// <summary>Connects to a host by name or address, over the first interface.</summary>
        /// <param name="driver">The driver.</param>
        /// <param name="address">The host.</param>
        /// <param name="port">Its port.</param>
        /// <param name="payload">Bytes for the server with the request; null for none.</param>
        /// <returns>The connection; the default value when that is impossible.</returns>
        public static NetworkConnection Connect(
            this NetworkDriver driver, string address, ushort port, byte[] payload)
        {
            return driver.Connect(0, address, port, payload);
        }

        /// <summary>Connects over the first interface of a driver.</summary>
        /// <param name="drivers">The drivers.</param>
        /// <param name="driverId">The driver's number.</param>
        /// <param name="endpoint">The server.</param>
        /// <param name="payload">Bytes for the server with the request; null for none.</param>
        /// <returns>The connection; the default value when that is impossible.</returns>
        /// <exception cref="System.ArgumentException">There is no such driver.</exception>
        public static NetworkConnection Connect(
            this MultiNetworkDriver drivers, int driverId, NetworkEndpoint endpoint,
            byte[] payload)
        {
            return drivers.GetDriver(driverId).Connect(0, endpoint, payload);
        }

        /// <summary>Connects to a host by name or address, over the first interface of a driver.
        /// </summary>
        /// <param name="drivers">The drivers.</param>
        /// <param name="driverId">The driver's number.</param>
        /// <param name="address">The host.</param>
        /// <param name="port">Its port.</param>
        /// <param name="payload">Bytes for the server with the request; null for none.</param>
        /// <returns>The connection; the default value when that is impossible.</returns>
        /// <exception cref="System.ArgumentException">There is no such driver.</exception>
        public static NetworkConnection Connect(
            this MultiNetworkDriver drivers, int driverId, string address, ushort port,
            byte[] payload)
        {
            return drivers.GetDriver(driverId).Connect(0, address, port, payload);
        }
    }
}
#endif
