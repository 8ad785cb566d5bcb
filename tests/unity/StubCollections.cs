using System;
using System.Runtime.InteropServices;
using System.Threading;
using Unity.Jobs;

// Of UnityEngine.CoreModule, and of com.unity.collections: NativeList and the streams' names.
namespace Unity.Collections
{
    public enum Allocator
    {
        Invalid = 0,
        None = 1,
        Temp = 2,
        TempJob = 3,
        Persistent = 4,
    }

    // They are there, so that whoever means NetDriver's says so.
    public struct DataStreamReader
    {
    }

    public struct DataStreamWriter
    {
    }

    /// <summary>What copies of one container share.</summary>
    internal sealed class Container
    {
        private static int s_Live;

        internal Array Items;
        internal GCHandle Pin;
        internal int Count;
        internal ulong Job;
        private readonly bool m_IsCounted;

        internal Container(Array items, Allocator allocator)
        {
            m_IsCounted = allocator != Allocator.Temp;
            if (m_IsCounted)
                Interlocked.Increment(ref s_Live);
            Replace(items);
        }

        /// <summary>Containers that have to be disposed and were not.</summary>
        internal static int LiveCount
        {
            get { return s_Live; }
        }

        internal void Replace(Array items)
        {
            if (Pin.IsAllocated)
                Pin.Free();
            Items = items;
            Pin = GCHandle.Alloc(items, GCHandleType.Pinned);
        }

        internal void Free()
        {
            if (m_IsCounted)
                Interlocked.Decrement(ref s_Live);
            Pin.Free();
            Items = null;
        }
    }

    internal interface INativeContainer
    {
        Container Container { get; }

        object Resolved();
    }

    public unsafe struct NativeArray<T> : IDisposable, INativeContainer
        where T : struct
    {
        // A container by its handle; or memory of others.
        private IntPtr m_Container;
        private IntPtr m_View;
        private int m_Length;
        private int m_IsDeferred;

        public NativeArray(int length, Allocator allocator)
            : this(new Container(new T[length], allocator), length)
        {
        }

        public NativeArray(T[] array, Allocator allocator)
            : this(new Container(array.Clone() as Array, allocator), array.Length)
        {
        }

        internal NativeArray(Container container, int length)
            : this()
        {
            m_Container = GCHandle.ToIntPtr(GCHandle.Alloc(container));
            m_Length = length;
        }

        internal NativeArray(IntPtr container)
            : this()
        {
            m_Container = container;
            m_IsDeferred = 1;
        }

        internal static NativeArray<T> View(void* memory, int length)
        {
            NativeArray<T> view = default(NativeArray<T>);
            view.m_View = (IntPtr)memory;
            view.m_Length = length;
            return view;
        }

        public bool IsCreated
        {
            get { return m_Container != IntPtr.Zero || m_View != IntPtr.Zero; }
        }

        public int Length
        {
            get { return m_Length; }
        }

        public T this[int index]
        {
            get { return Checked(index)[index]; }
            set { Checked(index)[index] = value; }
        }

        internal Container Container
        {
            get { return (Container)GCHandle.FromIntPtr(m_Container).Target; }
        }

        Container INativeContainer.Container
        {
            get { return Container; }
        }

        object INativeContainer.Resolved()
        {
            NativeArray<T> resolved = this;
            if (m_IsDeferred != 0)
                resolved.m_Length = Container.Count;
            resolved.m_IsDeferred = 0;
            return resolved;
        }

        internal void* Pointer
        {
            get
            {
                if (m_Container == IntPtr.Zero)
                    return (void*)m_View;
                JobSystem.CheckAccess(Container);
                return (void*)Container.Pin.AddrOfPinnedObject();
            }
        }

        public T[] ToArray()
        {
            JobSystem.CheckAccess(Container);
            return (T[])Container.Items.Clone();
        }

        public void Dispose()
        {
            JobSystem.CheckAccess(Container);
            Container.Free();
            GCHandle.FromIntPtr(m_Container).Free();
            m_Container = IntPtr.Zero;
        }

        private T[] Checked(int index)
        {
            if (m_IsDeferred != 0 || index < 0 || index >= m_Length)
                throw new IndexOutOfRangeException("Index " + index + " of " + m_Length + ".");
            JobSystem.CheckAccess(Container);
            return (T[])Container.Items;
        }
    }

    public struct NativeList<T> : IDisposable, INativeContainer
        where T : struct
    {
        private IntPtr m_Container;

        public NativeList(int initialCapacity, Allocator allocator)
        {
            Container made = new Container(new T[Math.Max(initialCapacity, 1)], allocator);
            m_Container = GCHandle.ToIntPtr(GCHandle.Alloc(made));
        }

        public bool IsCreated
        {
            get { return m_Container != IntPtr.Zero; }
        }

        public int Length
        {
            get { return Checked().Count; }
        }

        internal int LengthInJob
        {
            get { return Container.Count; }
        }

        public T this[int index]
        {
            get { return Items(index)[index]; }
            set { Items(index)[index] = value; }
        }

        public void Add(T value)
        {
            Container container = Checked();
            T[] items = (T[])container.Items;
            if (container.Count == items.Length)
            {
                Array.Resize(ref items, 2 * items.Length);
                container.Replace(items);
            }
            items[container.Count++] = value;
        }

        public void RemoveAtSwapBack(int index)
        {
            T[] items = Items(index);
            items[index] = items[--Container.Count];
        }

        public NativeArray<T> AsDeferredJobArray()
        {
            return new NativeArray<T>(m_Container);
        }

        public void Dispose()
        {
            Checked().Free();
            GCHandle.FromIntPtr(m_Container).Free();
            m_Container = IntPtr.Zero;
        }

        private Container Container
        {
            get { return (Container)GCHandle.FromIntPtr(m_Container).Target; }
        }

        Container INativeContainer.Container
        {
            get { return Container; }
        }

        object INativeContainer.Resolved()
        {
            return this;
        }

        private Container Checked()
        {
            JobSystem.CheckAccess(Container);
            return Container;
        }

        private T[] Items(int index)
        {
            Container container = Checked();
            if (index < 0 || index >= container.Count)
                throw new IndexOutOfRangeException("Index " + index + " of " + container.Count);
            return (T[])container.Items;
        }
    }
}

namespace Unity.Collections.LowLevel.Unsafe
{
    public static unsafe class NativeArrayUnsafeUtility
    {
        public static void* GetUnsafePtr<T>(NativeArray<T> nativeArray)
            where T : struct
        {
            return nativeArray.Pointer;
        }

        public static void* GetUnsafeReadOnlyPtr<T>(NativeArray<T> nativeArray)
            where T : struct
        {
            return nativeArray.Pointer;
        }

        public static NativeArray<T> ConvertExistingDataToNativeArray<T>(
            void* dataPointer, int length, Allocator allocator)
            where T : struct
        {
            return NativeArray<T>.View(dataPointer, length);
        }

        public static void SetAtomicSafetyHandle<T>(
            ref NativeArray<T> array, AtomicSafetyHandle safety)
            where T : struct
        {
        }
    }

    public struct AtomicSafetyHandle
    {
        public static AtomicSafetyHandle GetTempMemoryHandle()
        {
            return default(AtomicSafetyHandle);
        }
    }
}
