using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace NetDriver.Interop
{
    /// <summary>
    /// What all copies of one <see cref="MultiNetworkDriver"/> share, without a reference, in
    /// memory that is used for one after the other and never freed; as <see cref="DriverBlock"/>.
    /// </summary>
    internal unsafe struct MultiBlock
    {
        private static readonly Stack<IntPtr> s_Free = new Stack<IntPtr>();

        /// <summary>The collection that it is used for; null between two.</summary>
        internal nd_multi_driver* Native;
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
            block->Native = native;
            return block;
        }

        internal static void Return(MultiBlock* block)
        {
            block->Count = 0;
            block->Native = null;
            lock (s_Free)
                s_Free.Push((IntPtr)block);
        }

        private static MultiBlock* Make()
        {
            int drivers = MultiNetworkDriver.MaxDriverCount * sizeof(NetworkDriver);
            MultiBlock* block =
                (MultiBlock*)Marshal.AllocHGlobal(sizeof(MultiBlock) + drivers);
            block->Drivers = (NetworkDriver*)(block + 1);
            return block;
        }
    }
}
