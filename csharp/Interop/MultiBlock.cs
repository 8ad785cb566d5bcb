using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;

namespace NetDriver.Interop
{
    /// <summary>
    /// What all copies of one <see cref="MultiNetworkDriver"/> share, without a reference, in
    /// memory that is used for one after the other and never freed; as <see cref="DriverBlock"/>.
    /// </summary>
    internal unsafe struct MultiBlock
    {
        private static readonly Stack<IntPtr> s_Free = new Stack<IntPtr>();

        // The collection that it is used for; zero between two, and while it is disposed.
        private IntPtr m_Native;
        /// <summary>How many drivers there are.</summary>
        internal int Count;
        /// <summary>Room for the most drivers.</summary>
        internal NetworkDriver* Drivers;

        internal static MultiBlock* Take(nd_multi_driver* native)
        {
            MultiBlock* block;
            lock (s_Free)
                block = s_Free.Count > 0 ? (MultiBlock*)s_Free.Pop() : Make();
            block->Count = 0;
            Volatile.Write(ref block->m_Native, (IntPtr)native);
            return block;
        }

        /// <summary>The collection that it is used for; null between two, and while one is
        /// disposed.</summary>
        internal nd_multi_driver* Native
        {
            get { return (nd_multi_driver*)m_Native; }
        }

        /// <summary>Takes the block from its collection, to dispose that.</summary>
        /// <returns>Was it this thread that took it? Of several one does.</returns>
        internal bool TakeFrom(nd_multi_driver* native)
        {
            IntPtr taken = (IntPtr)native;
            return native != null
                && Interlocked.CompareExchange(ref m_Native, IntPtr.Zero, taken) == taken;
        }

        /// <summary>The collection is still there, and has its block again.</summary>
        internal void GiveBack(nd_multi_driver* native)
        {
            Volatile.Write(ref m_Native, (IntPtr)native);
        }

        /// <summary>The collection from which this thread took the block is destroyed.</summary>
        internal static void Return(MultiBlock* block)
        {
            block->Count = 0;
            lock (s_Free)
                s_Free.Push((IntPtr)block);
        }

        private static MultiBlock* Make()
        {
            int drivers = MultiNetworkDriver.MaxDriverCount * sizeof(NetworkDriver);
            MultiBlock* block =
                (MultiBlock*)Marshal.AllocHGlobal(sizeof(MultiBlock) + drivers);
            *block = default(MultiBlock);
            block->Drivers = (NetworkDriver*)(block + 1);
            return block;
        }
    }
}
