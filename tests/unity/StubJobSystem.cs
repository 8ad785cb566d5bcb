using System;
using System.Collections.Generic;
using System.Reflection;
using System.Threading;
using Unity.Collections;

namespace Unity.Jobs
{
    internal delegate void JobBody<T>(ref T job, int index);

    /// <summary>A job as it was scheduled; each thread works on a copy.</summary>
    internal abstract class JobCopy
    {
        internal abstract Type Type { get; }
        internal abstract List<Container> Containers { get; }

        /// <summary>Deferred arrays get what their lists hold now.</summary>
        internal abstract void Resolve();

        internal abstract void Run(int first, int last);
    }

    internal sealed class JobCopy<T> : JobCopy
        where T : struct
    {
        private readonly JobBody<T> m_Body;
        private T m_Data;

        internal JobCopy(T data, JobBody<T> body)
        {
            m_Data = data;
            m_Body = body;
        }

        internal override Type Type
        {
            get { return typeof(T); }
        }

        internal override List<Container> Containers
        {
            get
            {
                List<Container> found = new List<Container>();
                foreach (FieldInfo field in JobChecks.FieldsOf(typeof(T)))
                {
                    INativeContainer held = field.GetValue(m_Data) as INativeContainer;
                    if (held != null)
                        found.Add(held.Container);
                }
                return found;
            }
        }

        internal override void Resolve()
        {
            object boxed = m_Data;
            foreach (FieldInfo field in JobChecks.FieldsOf(typeof(T)))
            {
                INativeContainer held = field.GetValue(boxed) as INativeContainer;
                if (held != null)
                    field.SetValue(boxed, held.Resolved());
            }
            m_Data = (T)boxed;
        }

        internal override void Run(int first, int last)
        {
            T copy = m_Data;
            for (int i = first; i < last; i++)
                m_Body(ref copy, i);
        }
    }

    /// <summary>Runs jobs on several threads, in any order that their dependencies allow.</summary>
    internal static class JobSystem
    {
        private const int Workers = 4;

        private sealed class Node
        {
            internal ulong Number;
            internal JobCopy Job;
            internal Func<int> Length;
            internal int Batch;
            internal List<Node> Dependencies = new List<Node>();
            internal bool IsStarted;
            internal int Next;
            internal int End;
            internal int Running;
            internal bool IsDone;
            // The main thread has completed it, so it may touch what the job had.
            internal bool IsCompleted;
        }

        [ThreadStatic]
        internal static bool IsInside;

        private static readonly Thread s_Main = Thread.CurrentThread;
        private static readonly object s_Lock = new object();
        private static readonly Dictionary<ulong, Node> s_Nodes = new Dictionary<ulong, Node>();
        private static readonly List<Node> s_Open = new List<Node>();
        private static readonly HashSet<int> s_Threads = new HashSet<int>();
        private static readonly List<Thread> s_Workers = new List<Thread>();
        private static bool s_Stopped;
        private static ulong s_Last;
        private static int s_Most;

        /// <summary>The most threads that were inside of one job at once.</summary>
        internal static int MostAtOnce
        {
            get { return s_Most; }
        }

        /// <summary>How many threads have run jobs.</summary>
        internal static int ThreadCount
        {
            get { return s_Threads.Count; }
        }

        internal static void Start()
        {
            for (int i = 0; i < Workers; i++)
                s_Workers.Add(new Thread(Work));
            s_Workers.ForEach(worker => worker.Start());
        }

        /// <summary>Ends the workers; Mono may not end a program while they wait.</summary>
        internal static void Stop()
        {
            lock (s_Lock)
            {
                s_Stopped = true;
                Monitor.PulseAll(s_Lock);
            }
            s_Workers.ForEach(worker => worker.Join());
        }

        internal static JobHandle Schedule(
            JobCopy job, Func<int> length, int batch, params JobHandle[] dependencies)
        {
            if (Thread.CurrentThread != s_Main || IsInside)
                throw new InvalidOperationException("Jobs are scheduled on the main thread.");
            if (job != null)
                JobChecks.Require(job.Type);
            lock (s_Lock)
            {
                Node node = new Node { Number = ++s_Last, Job = job, Length = length };
                node.Batch = batch;
                foreach (JobHandle dependency in dependencies)
                {
                    Node before;
                    if (s_Nodes.TryGetValue(dependency.Number, out before))
                        node.Dependencies.Add(before);
                }
                if (job != null)
                    Claim(node);
                s_Nodes.Add(node.Number, node);
                s_Open.Add(node);
                Monitor.PulseAll(s_Lock);
                return new JobHandle(node.Number);
            }
        }

        internal static bool IsDone(ulong number)
        {
            lock (s_Lock)
            {
                Node node;
                return !s_Nodes.TryGetValue(number, out node) || node.IsDone;
            }
        }

        /// <summary>Helps until a job is done.</summary>
        internal static void Complete(ulong number)
        {
            Monitor.Enter(s_Lock);
            Node node;
            if (s_Nodes.TryGetValue(number, out node))
            {
                while (!node.IsDone)
                {
                    if (!RunOne())
                        Monitor.Wait(s_Lock);
                }
                Forget(node);
            }
            Monitor.Exit(s_Lock);
        }

        /// <summary>May this thread touch a container?</summary>
        internal static void CheckAccess(Container container)
        {
            if (IsInside)
                return;
            lock (s_Lock)
            {
                Node user;
                if (s_Nodes.TryGetValue(container.Job, out user) && !user.IsCompleted)
                    throw new InvalidOperationException(
                        "The job " + user.Job.Type + " uses the container. You must call "
                        + "JobHandle.Complete() before you use it here.");
            }
        }

        // A container is one job's at a time: those before are what the new one waits for.
        private static void Claim(Node node)
        {
            foreach (Container container in node.Job.Containers)
            {
                Node user;
                if (s_Nodes.TryGetValue(container.Job, out user) && !DependsOn(node, user))
                    throw new InvalidOperationException(
                        "The job " + user.Job.Type + ", scheduled before, uses a container of "
                        + node.Job.Type + ", which must depend on it.");
                container.Job = node.Number;
            }
        }

        private static bool DependsOn(Node node, Node other)
        {
            if (node == other)
                return true;
            foreach (Node before in node.Dependencies)
            {
                if (DependsOn(before, other))
                    return true;
            }
            return false;
        }

        private static void Forget(Node node)
        {
            node.IsCompleted = true;
            s_Nodes.Remove(node.Number);
            foreach (Node before in node.Dependencies)
                Forget(before);
            node.Dependencies.Clear();
        }

        private static void Work()
        {
            Monitor.Enter(s_Lock);
            while (!s_Stopped)
            {
                if (!RunOne())
                    Monitor.Wait(s_Lock);
            }
            Monitor.Exit(s_Lock);
        }

        // Under the lock. The newest first, so that a dependency that is missing shows.
        private static bool RunOne()
        {
            for (int i = s_Open.Count - 1; i >= 0; i--)
            {
                Node node = s_Open[i];
                if (!node.Dependencies.TrueForAll(before => before.IsDone))
                    continue;
                if (!node.IsStarted)
                    Begin(node);
                if (node.Next < node.End)
                {
                    RunBatch(node);
                    return true;
                }
                if (node.Running == 0)
                {
                    node.IsDone = true;
                    s_Open.RemoveAt(i);
                    Monitor.PulseAll(s_Lock);
                    return true;
                }
            }
            return false;
        }

        private static void Begin(Node node)
        {
            node.IsStarted = true;
            node.End = node.Length();
            if (node.Job != null)
                node.Job.Resolve();
        }

        private static void RunBatch(Node node)
        {
            int first = node.Next;
            int last = (int)Math.Min((long)first + node.Batch, node.End);
            node.Next = last;
            node.Running++;
            s_Most = Math.Max(s_Most, node.Running);
            s_Threads.Add(Thread.CurrentThread.ManagedThreadId);
            Monitor.Exit(s_Lock);
            IsInside = true;
            try
            {
                node.Job.Run(first, last);
            }
            catch (Exception exception)
            {
                UnityEngine.Debug.LogException(exception);
            }
            IsInside = false;
            Monitor.Enter(s_Lock);
            node.Running--;
            Monitor.PulseAll(s_Lock);
        }
    }
}
