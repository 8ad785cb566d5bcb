using System;
using System.Runtime.InteropServices;
using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>
    /// Takes back an array that <see cref="NetworkDriver.SendOwned(NetworkConnection, byte[],
    /// BufferReleased, object)"/> was given. It runs inside of a call on the driver, on that call's
    /// thread; it must not call the driver, and an exception that it throws is swallowed.
    /// </summary>
    /// <param name="data">The array.</param>
    /// <param name="user">What was given with it.</param>
    public delegate void BufferReleased(byte[] data, object user);

    public unsafe partial struct NetworkDriver
    {
        /// <summary>
        /// Begins a message of a plain WebSocket that is sent piece by piece; its length need not
        /// be known. Until it is finished, other sends on the connection are refused with
        /// NetworkStateMismatch.
        /// </summary>
        /// <param name="connection">To whom.</param>
        /// <param name="text">Send as text; the pieces together must be UTF-8.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>; InvalidArgument in the UTP
        /// dialect.</returns>
        public int BeginMessage(NetworkConnection connection, bool text = false)
        {
            return Checked(connection, NativeMethods.nd_driver_begin_message(
                Handle, connection.Value, text ? NativeMethods.ND_SEND_FLAG_TEXT : 0));
        }

        /// <summary>Sends the next piece of the message that was begun.</summary>
        /// <param name="connection">To whom.</param>
        /// <param name="data">The piece, copied.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>; then the message stays as it
        /// was.</returns>
        public int AppendMessage(NetworkConnection connection, byte[] data)
        {
            if (data == null)
                throw new ArgumentNullException("data");
            fixed (byte* bytes = data)
                return AppendMessage(connection, bytes, data.Length);
        }

        /// <summary>Sends a part of an array as the next piece.</summary>
        /// <param name="connection">To whom.</param>
        /// <param name="data">The array.</param>
        /// <param name="offset">The first of its bytes to send.</param>
        /// <param name="count">How many to send.</param>
        /// <returns>As <see cref="AppendMessage(NetworkConnection, byte[])"/>.</returns>
        public int AppendMessage(NetworkConnection connection, byte[] data, int offset, int count)
        {
            ByteOrder.CheckRange(data, offset, count);
            fixed (byte* bytes = data)
                return AppendMessage(connection, bytes + offset, count);
        }

        /// <summary>Sends the next piece of the message that was begun.</summary>
        /// <param name="connection">To whom.</param>
        /// <param name="data">The piece, copied; may be null when it has no bytes.</param>
        /// <param name="length">Its bytes.</param>
        /// <returns>As <see cref="AppendMessage(NetworkConnection, byte[])"/>.</returns>
        public int AppendMessage(NetworkConnection connection, byte* data, int length)
        {
            if (length < 0)
                throw new ArgumentOutOfRangeException("length");
            return Checked(connection, NativeMethods.nd_driver_append_message(
                Handle, connection.Value, data, (uint)length));
        }

        /// <summary>Ends the message that was begun.</summary>
        /// <param name="connection">To whom.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>; InvalidArgument when its text
        /// ends inside of a character.</returns>
        public int FinishMessage(NetworkConnection connection)
        {
            return Checked(connection,
                NativeMethods.nd_driver_finish_message(Handle, connection.Value));
        }

        /// <summary>
        /// Sends an array as one message without copying it, where that pays: a large uncompressed
        /// message of a server. The array must stay as it is until it is released.
        /// </summary>
        /// <param name="connection">To whom.</param>
        /// <param name="data">The message.</param>
        /// <param name="released">Called once, when the array is needed no more: the message has
        /// left, the connection has ended, or the driver was disposed. That may be before this
        /// returns. Never called when this fails. A static method costs nothing to pass.</param>
        /// <param name="user">Handed to <paramref name="released"/>.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int SendOwned(
            NetworkConnection connection, byte[] data, BufferReleased released, object user = null)
        {
            if (data == null)
                throw new ArgumentNullException("data");
            return SendOwned(connection, data, 0, data.Length, false, released, user);
        }

        /// <summary>Sends a part of an array as one message without copying it.</summary>
        /// <param name="connection">To whom.</param>
        /// <param name="data">The array.</param>
        /// <param name="offset">The first of its bytes to send.</param>
        /// <param name="count">How many to send.</param>
        /// <param name="text">Send as text, which must be UTF-8.</param>
        /// <param name="released">Called once, when the array is needed no more.</param>
        /// <param name="user">Handed to <paramref name="released"/>.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int SendOwned(
            NetworkConnection connection, byte[] data, int offset, int count, bool text,
            BufferReleased released, object user)
        {
            ByteOrder.CheckRange(data, offset, count);
            if (released == null)
                throw new ArgumentNullException("released");
            uint flags = text ? NativeMethods.ND_SEND_FLAG_TEXT : 0;
            return Checked(connection, OwnedBuffer.Send(
                Handle, connection.Value, data, offset, count, flags, released, user));
        }

        private int Checked(NetworkConnection connection, int result)
        {
            return result == NativeMethods.ND_OK ? result : Refused(connection, result);
        }
    }
}
