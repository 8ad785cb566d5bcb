using System;
using System.Collections.Generic;
using System.Reflection;
using Unity.Collections;
using Unity.Collections.LowLevel.Unsafe;

namespace Unity.Jobs
{
    /// <summary>What Unity refuses when a job is scheduled: see its documentation of job structs
    /// and of NativeDisableUnsafePtrRestriction.</summary>
    internal static class JobChecks
    {
        private static readonly HashSet<Type> s_Good = new HashSet<Type>();

        internal static FieldInfo[] FieldsOf(Type type)
        {
            return type.GetFields(
                BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
        }

        internal static void Require(Type job)
        {
            lock (s_Good)
            {
                if (s_Good.Contains(job))
                    return;
                RequireFields(job, job.Name);
                s_Good.Add(job);
            }
        }

        private static void RequireFields(Type type, string path)
        {
            foreach (FieldInfo field in FieldsOf(type))
            {
                string name = path + "." + field.Name;
                if (field.FieldType.IsPointer)
                {
                    if (!field.IsDefined(typeof(NativeDisableUnsafePtrRestrictionAttribute), true)
                        && !type.IsDefined(typeof(NativeContainerAttribute), true))
                        throw new InvalidOperationException(
                            name + " uses unsafe Pointers which is not allowed.");
                    continue;
                }
                if (!field.FieldType.IsValueType)
                    throw new InvalidOperationException(
                        name + " is not a value type. Job structs may not contain any reference "
                        + "types.");
                if (!field.FieldType.IsPrimitive && !field.FieldType.IsEnum)
                    RequireFields(field.FieldType, name);
            }
        }
    }
}

namespace Unity.Collections.LowLevel.Unsafe
{
    [AttributeUsage(AttributeTargets.Field)]
    public sealed class NativeDisableUnsafePtrRestrictionAttribute : Attribute
    {
    }

    [AttributeUsage(AttributeTargets.Struct)]
    public sealed class NativeContainerAttribute : Attribute
    {
    }
}
