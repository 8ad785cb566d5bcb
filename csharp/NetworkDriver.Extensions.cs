using System;
using NetDriver.Interop;

namespace NetDriver
{
    public unsafe partial struct NetworkDriver
    {
        /// <summary>
        /// Registers an extension for plain WebSocket connections that are opened from now on:
        /// listeners of the interface agree on it, clients on it offer it.
        /// <see cref="ConnectionText.Extensions"/> says what was agreed on. A message is compressed
        /// first and goes through the extensions then, frame by frame.
        /// </summary>
        /// <param name="interfaceIndex">A WebSocket interface.</param>
        /// <param name="extension">What to register; kept until the driver is disposed.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int AddExtension(int interfaceIndex, IWebSocketExtension extension)
        {
            if (extension == null)
                throw new ArgumentNullException("extension");
            DriverState state = State;
            return state == null ? InvalidHandle
                : state.AddExtension((uint)interfaceIndex, extension);
        }
    }
}
