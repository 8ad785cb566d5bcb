// Unity's job system, as far as csharp/Unity and its samples use it, so that they are compiled and
// run without Unity. The signatures are those of Unity 2022.3 (UnityEngine.CoreModule, and of
// com.unity.collections for IJobParallelForDefer, both in namespace Unity.Jobs). As Unity's it
// takes structs without references and bare pointers from the main thread alone (StubChecks.cs) and
// runs copies of them on several threads.
namespace Unity.Jobs
{
    public interface IJob
    {
        void Execute();
    }

    public interface IJobFor
    {
        void Execute(int index);
    }

    public interface IJobParallelFor
    {
        void Execute(int index);
    }

    public interface IJobParallelForDefer
    {
        void Execute(int index);
    }

    public struct JobHandle
    {
        internal readonly ulong Number;

        internal JobHandle(ulong number)
        {
            Number = number;
        }

        public bool IsCompleted
        {
            get { return JobSystem.IsDone(Number); }
        }

        public void Complete()
        {
            JobSystem.Complete(Number);
        }

        public static void ScheduleBatchedJobs()
        {
        }

        public static JobHandle CombineDependencies(JobHandle job0, JobHandle job1)
        {
            return JobSystem.Schedule(null, () => 0, 1, job0, job1);
        }
    }

    public static class IJobExtensions
    {
        public static JobHandle Schedule<T>(
            this T jobData, JobHandle dependsOn = default(JobHandle))
            where T : struct, IJob
        {
            JobCopy<T> copy = new JobCopy<T>(jobData, (ref T job, int index) => job.Execute());
            return JobSystem.Schedule(copy, () => 1, 1, dependsOn);
        }
    }

    public static class IJobForExtensions
    {
        public static JobHandle Schedule<T>(
            this T jobData, int arrayLength, JobHandle dependency)
            where T : struct, IJobFor
        {
            return jobData.ScheduleParallel(arrayLength, int.MaxValue, dependency);
        }

        public static JobHandle ScheduleParallel<T>(
            this T jobData, int arrayLength, int innerloopBatchCount, JobHandle dependency)
            where T : struct, IJobFor
        {
            JobCopy<T> copy = new JobCopy<T>(jobData, (ref T job, int index) => job.Execute(index));
            return JobSystem.Schedule(copy, () => arrayLength, innerloopBatchCount, dependency);
        }
    }

    public static class IJobParallelForExtensions
    {
        public static JobHandle Schedule<T>(
            this T jobData, int arrayLength, int innerloopBatchCount,
            JobHandle dependsOn = default(JobHandle))
            where T : struct, IJobParallelFor
        {
            JobCopy<T> copy = new JobCopy<T>(jobData, (ref T job, int index) => job.Execute(index));
            return JobSystem.Schedule(copy, () => arrayLength, innerloopBatchCount, dependsOn);
        }
    }

    public static class IJobParallelForDeferExtensions
    {
        public static JobHandle Schedule<T, U>(
            this T jobData, Unity.Collections.NativeList<U> list, int innerloopBatchCount,
            JobHandle dependsOn = default(JobHandle))
            where T : struct, IJobParallelForDefer
            where U : struct
        {
            JobCopy<T> copy = new JobCopy<T>(jobData, (ref T job, int index) => job.Execute(index));
            // Its length is that when the jobs before are done.
            return JobSystem.Schedule(copy, () => list.LengthInJob, innerloopBatchCount, dependsOn);
        }
    }
}

namespace Unity.Burst
{
    public sealed class BurstCompileAttribute : System.Attribute
    {
    }
}
